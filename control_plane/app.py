"""Where Chalice looks for the application."""

from covalent_control_plane.application import adopt, app, finish, fire, restart, sweep

__all__ = ["adopt", "app", "finish", "fire", "restart", "sweep"]
