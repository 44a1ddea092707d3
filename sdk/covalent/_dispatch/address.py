"""Which control plane to talk to, and what proves to it who is asking."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

from covalent._shared_files import profiles
from covalent._shared_files.config import get_config
from covalent._shared_files.exceptions import InvalidConfig
from covalent._shared_files.profiles import Profile

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_GATEWAY = re.compile(r".+\.execute-api\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.(?:com|com\.cn|eu)")
_WORD = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Endpoint:
    """The base address of a control plane (no slash at the end), and what goes along with requests to it.

    token: the bearer token, if there is one. region: the AWS region to sign for; None means no signature. profile: the
    one that it comes from, with the prefix of the deployment and its version.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    region: str | None = None
    profile: str | None = None
    prefix: str | None = None
    version: str | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the control plane runs on this machine and is spoken to without TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK

    @property
    def is_deployed(self) -> bool:
        """Whether it runs on AWS: requests are signed, and AWS's limits hold."""
        return self.region is not None

    @property
    def host(self) -> str:
        """The name or number of the machine."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Where it listens."""
        parts = urlsplit(self.url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]


def resolve(dispatcher_addr: str | None = None) -> Endpoint:
    """Find the control plane.

    Args:
        dispatcher_addr: a URL, "host:port", or the name of a profile; None means the chosen profile, and without one
            the configured address. A token or a signature goes to the address that it is configured for only, never to
            another one that happens to be passed.

    Raises:
        ValueError: the address cannot be read; the message names where it came from.
        InvalidConfig: there is no such profile, or it contradicts itself.

    """
    if dispatcher_addr is None or dispatcher_addr in profiles.names():
        profile = profiles.find(dispatcher_addr or profiles.chosen())
        return _configured() if profile is None else _of_profile(profile)
    _refuse_misspelt(dispatcher_addr)
    return _given(_parse(dispatcher_addr, _port(), "dispatcher_addr"))


def region_of(host: str) -> str | None:
    """The AWS region of an API Gateway's host name; None for other hosts."""
    found = _GATEWAY.fullmatch(host)
    return found[1] if found else None


def _configured() -> Endpoint:
    return _given(_configured_parts())


def _configured_parts() -> SplitResult:
    return _parse(str(get_config("dispatcher.address")), _port(), "dispatcher.address")


def _given(parts: SplitResult) -> Endpoint:
    """An address without a profile's name: whoever it is configured for gets what is configured for it."""
    for profile in profiles.configured():
        try:
            same = _identity(_profile_parts(profile)) == _identity(parts)
        except ValueError:  # of a profile that nobody has chosen
            continue
        if same:
            return _of_profile(profile)
    region = region_of(parts.hostname or "") if parts.scheme == "https" else None
    if region is not None:
        return Endpoint(_url(parts), region=region)
    return Endpoint(_url(parts), _token_for(parts))


def _of_profile(profile: Profile) -> Endpoint:
    parts = _profile_parts(profile)
    region = _region(profile, parts)
    token = None if region else profile.token or _token_for(parts)
    return Endpoint(
        _url(parts), token, region, profile.name, prefix=profile.prefix, version=profile.version
    )


def _region(profile: Profile, parts: SplitResult) -> str | None:
    """The region to sign for. A region in the host name is the right one, and the profile may not say another."""
    actual = region_of(parts.hostname or "") if parts.scheme == "https" else None
    if actual and profile.region and actual != profile.region:
        raise InvalidConfig(
            f"profile {profile.name} has region {profile.region}, but its address {profile.address} is in {actual}: "
            f"correct profiles.{profile.name}.region or the address in {get_config('sdk.config_file')}"
        )
    return actual or profile.region


def _refuse_misspelt(text: str) -> None:
    """A word that is no profile, where there are profiles, is a mistake rather than a host."""
    known = [name for name in profiles.names() if name != profiles.LOCAL]
    host = _configured_parts().hostname
    if known and _WORD.fullmatch(text) and text not in _LOOPBACK and text != host:
        raise profiles.UnknownProfile(
            f"there is no profile {text!r}; there are: {', '.join(profiles.names())}. "
            f'If it is a host, pass "{text}:<port>"'
        )


def _token_for(parts: SplitResult) -> str | None:
    """The configured token, for the configured address."""
    if _identity(parts) != _identity(_configured_parts()):
        return None
    try:
        return str(get_config("dispatcher.token")) or None
    except KeyError:
        return None


def _port() -> object:
    return get_config("dispatcher.port")


def _profile_parts(profile: Profile) -> SplitResult:
    return _parse(profile.address, None, f"profiles.{profile.name}.address")


def _parse(text: str, port: object, setting: str) -> SplitResult:
    """Read an address. Without a scheme it is http (AWS: https), and without a port it takes the configured one."""
    try:
        has_scheme = "://" in text
        parts = urlsplit(text if has_scheme else f"http://{text}")
        if region_of(parts.hostname or ""):
            parts = parts._replace(scheme="https")
            has_scheme = True
        known = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname)
        has_port = parts.port is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError(f'{setting} is {text!r}: it must be "host:port" or an http(s) URL')
    if not has_scheme and not has_port and port:
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return SplitResult(parts.scheme, parts.netloc, parts.path, "", "")


def _url(parts: SplitResult) -> str:
    return urlunsplit(parts).rstrip("/")


def _identity(parts: SplitResult) -> tuple[str, str, int, str]:
    """What makes two addresses the same server. The names of this machine are one."""
    host = parts.hostname or ""
    return (
        parts.scheme,
        "localhost" if host in _LOOPBACK else host,
        parts.port or _DEFAULT_PORTS[parts.scheme],
        parts.path.rstrip("/"),
    )
