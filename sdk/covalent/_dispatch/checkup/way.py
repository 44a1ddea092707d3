"""The way to the control plane: what the configuration says, where that is, and whether it is secure."""

import os
import socket
import ssl
import stat
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from covalent._dispatch import address
from covalent._dispatch.address import Endpoint
from covalent._dispatch.checkup.finding import Finding, failed, ok, skipped
from covalent._dispatch.connection import trust
from covalent._dispatch.unreachable import no_deployment, not_trusted, proxies
from covalent._shared_files import profiles
from covalent._shared_files.config import get_config
from covalent._shared_files.defaults import config_path
from covalent_contracts.errors import CovalentError

SECONDS = 10
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def configuration() -> Finding:
    """The configuration file: there, TOML, and nobody else's business."""
    name, path = "configuration", config_path()
    try:
        get_config()
    except (CovalentError, OSError) as exc:
        cure = f"Repair {path}, or move it away: the next command writes a new one"
        return failed(name, str(exc), cure, fatal=True)
    if not path.exists():
        return ok(name, f"{path} does not exist: everything is as it comes")
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & _OTHERS:
        detail = f"{path} has mode {mode:04o}: others on this machine may use the token in it"
        return failed(name, detail, f"Run: chmod 600 {_quoted(path)}")
    return ok(name, f"{path}, mode {mode:04o}")


def target(profile: str | None) -> tuple[Endpoint | None, Finding]:
    """Which control plane it is about."""
    name = "profile"
    try:
        if profile is not None:
            profiles.find(profile)
        endpoint = address.resolve(profile)
    except (CovalentError, ValueError) as exc:
        cure = f"Correct {config_path()}, {profiles.VARIABLE} or `--profile`"
        return None, failed(name, str(exc), cure, fatal=True)
    how = f"signed for {endpoint.region}" if endpoint.is_deployed else "with a token"
    return endpoint, ok(name, f"{endpoint.profile or profiles.LOCAL}: {endpoint.url}, {how}")


def resolved(endpoint: Endpoint) -> Finding:
    """Whether the host name leads anywhere."""
    name = "address"
    if _proxy(endpoint):
        return skipped(name, f"{endpoint.host} is asked through a proxy; {proxies()}")
    try:
        found = _numbers(endpoint)
    except OSError as exc:
        cure = "Correct the address, or see to the network of this machine"
        if endpoint.is_deployed:
            cure = no_deployment(endpoint, exc)
        return failed(name, f"{endpoint.host} has no address: {exc.strerror}", cure)
    return ok(name, f"{endpoint.host} is {', '.join(found)}")


def secure(endpoint: Endpoint) -> Finding:
    """Whether nobody on the way can read or change anything."""
    name = "TLS"
    if urlsplit(endpoint.url).scheme == "http":
        if all(ip_address(each).is_loopback for each in _numbers(endpoint)):
            return ok(name, "not needed: nothing leaves this machine")
        cure = "Use the https address of the deployment"
        return failed(name, f"{endpoint.url} is not encrypted: others may read it", cure)
    if _proxy(endpoint):
        return skipped(name, "behind a proxy; the next look tells")
    where = (endpoint.host, endpoint.port)
    try:
        with (
            socket.create_connection(where, SECONDS) as plain,
            trust(endpoint).wrap_socket(plain, server_hostname=endpoint.host) as wrapped,
        ):
            until = (wrapped.getpeercert() or {}).get("notAfter", "?")
            return ok(name, f"{wrapped.version()}, certificate valid until {until}")
    except ssl.SSLError as exc:
        return failed(name, str(exc), not_trusted(f"{endpoint.host}:{endpoint.port}", exc))
    except OSError as exc:
        return failed(name, f"no connection: {exc}", no_deployment(endpoint, exc))


def _numbers(endpoint: Endpoint) -> list[str]:
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _proxy(endpoint: Endpoint) -> str | None:
    """The proxy that requests take, as the HTTP library chooses it."""
    if endpoint.is_loopback or proxy_bypass(endpoint.host):
        return None
    known = getproxies()
    return known.get(httpx.URL(endpoint.url).scheme) or known.get("all")


def _quoted(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
