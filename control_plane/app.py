"""Where Chalice looks for the application."""

from covalent_control_plane.application import app, finish, sweep

__all__ = ["app", "finish", "sweep"]
