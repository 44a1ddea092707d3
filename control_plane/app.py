"""Where Chalice looks for the application."""

from covalent_control_plane.application import adopt, app, finish, restart, sweep

__all__ = ["adopt", "app", "finish", "restart", "sweep"]
