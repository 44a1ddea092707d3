"""Where the Dask cluster is that `covalent start` has started."""

from __future__ import annotations

from covalent._shared_files.config import get_config


def cluster_address() -> str:
    """The address of its scheduler; "" if there is none."""
    return str(get_config("dask").get("scheduler_address") or "")
