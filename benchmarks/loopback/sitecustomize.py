"""Keep every socket of a Python process on this machine.

On the PYTHONPATH of the servers that are compared: the dashboard of Dask, which Covalent starts, would otherwise
listen on all interfaces, and neither command line has an option against it.
"""

import socket
from typing import Any

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_bind = socket.socket.bind


def _bind_here(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6):
        address = (_EVERYWHERE.get(address[0], address[0]), *address[1:])
    _bind(self, address)


# Every library binds by this method, so it is replaced on the class; mypy takes a method for constant.
socket.socket.bind = _bind_here  # type: ignore[method-assign, assignment]  # see above
