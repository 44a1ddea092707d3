"""Where Chalice looks for the application."""

from covalent_control_plane.application import app, finish, fire, restart, sweep

__all__ = ["app", "finish", "fire", "restart", "sweep"]
