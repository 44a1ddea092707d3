"""The user's own AWS credentials, found where every AWS tool finds them.

botocore is loaded here and in `signing`, by the first request that must be signed; nothing else of the SDK needs it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from covalent._shared_files.exceptions import MissingExtra
from covalent_contracts.errors import Refused, Unavailable

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session

_STS_SECONDS = 10


class Credentials:
    """Credentials of botocore's chain: environment, profile, SSO, a role of the machine. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None

    def current(self) -> "ReadOnlyCredentials":
        """Those to sign with now; those that end are replaced by botocore in time.

        Raises:
            Refused: there are none, or they cannot be renewed; the message says what to do.
            MissingExtra: botocore is not installed.

        """
        with self._lock:
            try:
                return self._look()
            except Refused:
                self._found = None  # the user may log in and try again, in this very process
                raise

    def _look(self) -> "ReadOnlyCredentials":
        if self._found is None:
            session = _session()
            with _explained():
                self._found = session.get_credentials()
        if self._found is None:
            raise Refused(
                "there are no AWS credentials: run `aws configure` or `aws sso login`, or set AWS_PROFILE, or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for an identity that may use this deployment"
            )
        with _explained():
            found: ReadOnlyCredentials = self._found.get_frozen_credentials()
        return found

    def renew(self, used: str) -> bool:
        """Look for credentials once more, since AWS says that those used have ended; whether there are others now.

        Args:
            used: The access key that AWS refused.

        """
        if self.current().access_key != used:  # another thread was first
            return True
        with self._lock:
            self._found = None
        return self.current().access_key != used

    def caller(self, region: str) -> str:
        """The ARN of the identity that the credentials belong to, as AWS itself tells.

        Raises:
            Refused: AWS does not accept the credentials.
            Unavailable: it cannot be asked.

        """
        current = self.current()
        from botocore.config import Config  # noqa: PLC0415  # see above
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # see above

        patience = Config(
            connect_timeout=_STS_SECONDS,
            read_timeout=_STS_SECONDS,
            retries={"total_max_attempts": 2},
        )
        try:
            sts: Any = _session().create_client(
                "sts",
                region_name=region,
                config=patience,
                aws_access_key_id=current.access_key,
                aws_secret_access_key=current.secret_key,
                aws_session_token=current.token,
            )
            return str(sts.get_caller_identity()["Arn"])
        except ClientError as exc:
            raise Refused(
                f"AWS does not accept the credentials: {exc}. Run `{login()}`, or get new ones as you got these"
            ) from exc
        except BotoCoreError as exc:
            raise Unavailable(f"AWS cannot be asked whose they are: {exc}") from exc


def login() -> str:
    """The command that renews a session that has ended, for the profile of AWS in use."""
    try:
        profile = _session().get_config_variable("profile")
    except MissingExtra:
        profile = None
    return "aws sso login" + (f" --profile {profile}" if profile else "")


def _session() -> "Session":
    try:
        from botocore.session import Session  # noqa: PLC0415  # see above
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            "requests to a deployment on AWS are signed with botocore, which is not installed: "
            "pip install 'covalent-serverless[aws]'"
        ) from exc
    return Session()


@contextmanager
def _explained() -> Iterator[None]:
    """What botocore raises while it looks for credentials, with its cure."""
    from botocore import exceptions  # noqa: PLC0415  # see above

    try:
        yield
    except exceptions.ProfileNotFound as exc:
        known = ", ".join(_session().full_config.get("profiles", {})) or "none"
        raise Refused(
            f"{exc}: AWS_PROFILE names it. There are: {known}; set another, or run `aws configure`"
        ) from exc
    except (exceptions.SSOError, exceptions.TokenRetrievalError) as exc:
        raise Refused(f"the AWS session has ended ({exc}): run `{login()}`") from exc
    except exceptions.PartialCredentialsError as exc:
        raise Refused(f"the AWS credentials are incomplete: {exc}") from exc
    except exceptions.BotoCoreError as exc:
        raise Refused(
            f"the AWS credentials cannot be read or renewed: {exc}. `aws sts get-caller-identity` shows the same; "
            f"repair the AWS configuration, or run `{login()}`"
        ) from exc
