"""What a deployment says of itself, and the profile under which the SDK finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from covalent._deploy.errors import DeployError, NameTaken
from covalent._shared_files.config import get_config, set_config
from covalent_contracts.api import PREFIX, Health

_SECONDS = 30.0
"""How long a health check may take: the first one may start the function, and API Gateway waits 29 for that."""
_EMULATED = "/_aws/execute-api/"
"""Below which LocalStack serves every API by its id."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of the Terraform module."""

    endpoint: str
    region: str
    bucket: str
    table: str
    runners: Mapping[str, str]
    prefix: str
    version: str
    dashboard_url: str = ""

    @classmethod
    def read(cls, values: Mapping[str, Any], emulator: str | None = None) -> Self:
        """From Terraform's values.

        Args:
            values: by name.
            emulator: where LocalStack answers in AWS's stead, if it does.

        Raises:
            DeployError: some are missing: nothing is deployed, or only a part of it.

        """
        try:
            return cls(
                endpoint=_reached(str(values["endpoint"]).rstrip("/"), emulator),
                region=str(values["region"]),
                bucket=str(values["bucket"]),
                table=str(values["table"]),
                runners=dict(values["runners"]),
                prefix=str(values["prefix"]),
                version=str(values["version"]),
                dashboard_url=str(values.get("dashboard_url") or ""),
            )
        except KeyError as exc:
            raise DeployError(
                f"The deployment is incomplete: it has no {exc.args[0]} yet.",
                "`covalent deploy up` goes on where it stopped.",
            ) from exc


def write_profile(name: str, outputs: Outputs) -> None:
    """Have the SDK find the deployment under a name."""
    set_config(
        {
            f"profiles.{name}.address": outputs.endpoint,
            f"profiles.{name}.region": outputs.region,
            f"profiles.{name}.prefix": outputs.prefix,
            f"profiles.{name}.version": outputs.version,
        }
    )


def check_profile(name: str, region: str, prefix: str, emulator: str | None = None) -> None:
    """See that a profile of that name is free, or belongs to this deployment already.

    Raises:
        NameTaken: it belongs to another one.

    """
    known = profile(name)
    if known and not _is_of(known, region, prefix, emulator):
        where = "on LocalStack" if _is_emulated(known) else f"in {known.get('region')}"
        raise NameTaken(
            f"The profile {name} of your configuration belongs to the deployment {known.get('prefix')} {where}.",
            "Choose another name with --name.",
        )


def remove_profile(name: str, region: str, prefix: str, emulator: str | None = None) -> bool:
    """Forget a profile, if it is that deployment's; whether it was."""
    known = profile(name)
    if not known or not _is_of(known, region, prefix, emulator):
        return False
    set_config(f"profiles.{name}", None)
    return True


def _is_of(known: Mapping[str, Any], region: str, prefix: str, emulator: str | None) -> bool:
    """Whether a profile is that of a deployment. One on LocalStack may be called as one on AWS."""
    same = (known.get("region"), known.get("prefix")) == (region, prefix)
    return same and _is_emulated(known) == bool(emulator)


def _is_emulated(known: Mapping[str, Any]) -> bool:
    return _EMULATED in str(known.get("address"))


def _reached(endpoint: str, emulator: str | None) -> str:
    """Where an endpoint answers. LocalStack serves no names of amazonaws.com, but a path for each API."""
    if not emulator:
        return endpoint
    api = httpx.URL(endpoint).host.partition(".")[0]
    return f"{emulator.rstrip('/')}{_EMULATED}{api}"


def profile(name: str) -> dict[str, Any]:
    """What the configuration has under a profile's name; empty if there is none."""
    try:
        found = get_config(f"profiles.{name}")
    except KeyError:
        return {}
    return dict(found) if isinstance(found, Mapping) else {}


def health(endpoint: str, transport: httpx.BaseTransport | None = None) -> Health:
    """Ask a control plane how it is; no credentials are needed for that.

    Raises:
        DeployError: it does not answer, or something else does.

    """
    url = f"{endpoint}{PREFIX}/health"
    try:
        with httpx.Client(transport=transport, timeout=_SECONDS) as client:
            answer = client.get(url)
            answer.raise_for_status()
            return Health.model_validate_json(answer.content)
    except (httpx.HTTPError, ValueError) as exc:
        raise DeployError(f"{url} does not answer as it should: {exc}") from exc
