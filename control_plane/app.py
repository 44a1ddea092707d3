"""Where Chalice looks for the application."""

from covalent_control_plane.application import adopt, answer, app, finish, fire, restart, sweep

__all__ = ["adopt", "answer", "app", "finish", "fire", "restart", "sweep"]
