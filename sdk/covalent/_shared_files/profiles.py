"""Named deployments in the configuration file, each a section `[profiles.<name>]`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from covalent._shared_files.config import get_config
from covalent._shared_files.exceptions import InvalidConfig

LOCAL = "local"
"""The server of this machine, as `covalent start` writes it, unless a profile has taken the name."""
VARIABLE = "COVALENT_PROFILE"


class UnknownProfile(InvalidConfig):
    """The configuration has no profile of the name."""


@dataclass(frozen=True)
class Profile:
    """One deployment. `address` is its base URL.

    region: of AWS, for the signatures. prefix and version: of what was deployed. token: of a local server.
    """

    name: str
    address: str
    region: str | None = None
    prefix: str | None = None
    version: str | None = None
    token: str | None = field(default=None, repr=False)


def names() -> list[str]:
    """The profiles there are."""
    return sorted({LOCAL, *_sections()})


def chosen() -> str:
    """The name of the profile that is in force: `$COVALENT_PROFILE`, else `dispatcher.profile`, else "local"."""
    return os.environ.get(VARIABLE) or _configured() or LOCAL


def find(name: str) -> Profile | None:
    """A profile; None for the local server, which has none.

    Raises:
        UnknownProfile: there is none of the name; the message lists those there are.
        InvalidConfig: it lacks an address, or something in it has the wrong type.

    """
    section = _sections().get(name)
    if section is None and name == LOCAL:
        return None
    if section is None:
        raise UnknownProfile(
            f"there is no profile {name!r} in {get_config('sdk.config_file')}; there are: {', '.join(names())}. "
            f"`covalent deploy up` writes one; {VARIABLE} or `dispatcher.profile` chooses"
        )
    return _read(name, section)


def configured() -> list[Profile]:
    """Every profile that can be read."""
    found = []
    for name, section in _sections().items():
        try:
            found.append(_read(name, section))
        except InvalidConfig:  # whoever chooses it is told
            continue
    return found


def _configured() -> str:
    try:
        return str(get_config("dispatcher.profile"))
    except KeyError:
        return ""


def _sections() -> dict[str, Any]:
    try:
        sections = get_config("profiles")
    except KeyError:
        return {}
    return sections if isinstance(sections, dict) else {}


def _read(name: str, section: Any) -> Profile:
    where = f"[profiles.{name}] in {get_config('sdk.config_file')}"
    if not isinstance(section, Mapping) or not section.get("address"):
        raise InvalidConfig(f"{where} has no address: write the endpoint of the deployment there")
    known: dict[str, Any] = {
        key: section.get(key) or None for key in Profile.__dataclass_fields__ if key != "name"
    }
    for key, value in known.items():
        if value is not None and not isinstance(value, str):
            raise InvalidConfig(f"{where}: {key} is {value!r}, and must be a string")
    return Profile(name, **known)
