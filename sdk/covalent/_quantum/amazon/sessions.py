"""Whose AWS account is used. A session has credentials: it stays in the process in which it was made."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from covalent._quantum.missing import needed


@dataclass(frozen=True)
class Parameters:
    """What a session is made of, without credentials: those are found again where it is made.

    Args:
        profile: the name of an AWS profile; None for the credentials of the environment.
        region: None for that of the environment.
        bucket: the default bucket, if someone has named one.

    """

    profile: str | None = None
    region: str | None = None
    bucket: str | None = None


def checked(session: Any) -> Any:
    """What a user may give as a session, or `settings` gave.

    Raises:
        TypeError: it is none.

    """
    if isinstance(session, Mapping):
        return Parameters(**session)
    if session is None or isinstance(session, str | Parameters) or hasattr(session, "boto_session"):
        return session
    raise TypeError(
        f"aws_session must be an AwsSession or the name of an AWS profile, not {type(session).__name__}"
    )


def parameters(session: Any) -> Parameters | None:
    """What travels of a session."""
    match session:
        case None | Parameters():
            return session
        case str():
            return Parameters(profile=session)
    boto = session.boto_session
    profile = boto.profile_name if boto.profile_name in boto.available_profiles else None
    has_bucket = getattr(session, "_custom_default_bucket", False)
    return Parameters(profile, session.region, session.default_bucket() if has_bucket else None)


def settings(session: Any) -> Any:
    """What JSON has of a session."""
    found = parameters(session)
    return session if found is None or isinstance(session, str) else asdict(found)


def made(session: Any, connections: int) -> Any:
    """An AwsSession: the user's own, or a new one.

    Args:
        session: what `checked` lets pass.
        connections: the most connections of a new one.

    """
    found = parameters(session) if isinstance(session, str) else session
    if found is not None and not isinstance(found, Parameters):
        return found
    found = found or Parameters()
    config = needed("botocore.config").Config(max_pool_connections=connections)
    boto = None
    if found.profile or found.region:
        boto = needed("boto3").Session(profile_name=found.profile, region_name=found.region)
    session_type = needed("braket.aws", "braket", "BraketQubitExecutor").AwsSession
    return session_type(boto_session=boto, config=config, default_bucket=found.bucket)
