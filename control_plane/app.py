"""Where Chalice looks for the application."""

from covalent_control_plane.application import app, finish, restart, sweep

__all__ = ["app", "finish", "restart", "sweep"]
