"""Which control plane to talk to, and what proves to it who is asking."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

from covalent._shared_files.config import get_config

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Endpoint:
    """The base address of a control plane (no slash at the end), and the bearer token for it, if there is one."""

    url: str
    token: str | None = field(default=None, repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the control plane runs on this machine and is spoken to without TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK


def resolve(dispatcher_addr: str | None = None) -> Endpoint:
    """Find the control plane.

    Args:
        dispatcher_addr: "host:port", or a URL; None means the one in the configuration. The configured token goes
            to the configured address only, never to another one that happens to be passed.

    Raises:
        ValueError: the address cannot be read; the message names where it came from.

    """
    port = get_config("dispatcher.port")
    configured = _parse(str(get_config("dispatcher.address")), port, "dispatcher.address")
    wanted = (
        configured if dispatcher_addr is None else _parse(dispatcher_addr, port, "dispatcher_addr")
    )
    token = _token() if _identity(wanted) == _identity(configured) else None
    return Endpoint(urlunsplit(wanted).rstrip("/"), token)


def _token() -> str | None:
    try:
        return str(get_config("dispatcher.token")) or None
    except KeyError:
        return None


def _parse(text: str, port: object, setting: str) -> SplitResult:
    """Read an address; one without a scheme is http, and without a port takes the configured one."""
    try:
        has_scheme = "://" in text
        parts = urlsplit(text if has_scheme else f"http://{text}")
        known = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname)
        has_port = parts.port is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError(f'{setting} is {text!r}: it must be "host:port" or an http(s) URL')
    if not has_scheme and not has_port and port:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return SplitResult(parts.scheme, parts.netloc, parts.path, "", "")


def _identity(parts: SplitResult) -> tuple[str, str, int, str]:
    """What makes two addresses the same server. The names of this machine are one."""
    host = parts.hostname or ""
    return (
        parts.scheme,
        "localhost" if host in _LOOPBACK else host,
        parts.port or _DEFAULT_PORTS[parts.scheme],
        parts.path.rstrip("/"),
    )
