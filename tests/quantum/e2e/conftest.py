"""The embedded AWS of the end-to-end tests."""

from tests.e2e.conftest import _shared, config_dir, server

__all__ = ["_shared", "config_dir", "server"]
