"""What a user may set of a login, whatever is done there."""

from typing import Annotated

from pydantic import AfterValidator, Field

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.adapter import Secrets
from covalent_executors.hosts.login import Login, is_lines
from covalent_executors.place import Place
from covalent_executors.spec import MAX_TIME_LIMIT, Spec

MAX_PORT = 65_535
_ARN = "arn:"

Seconds = Annotated[float, Field(ge=0, le=MAX_TIME_LIMIT, allow_inf_nan=False)]


def given(text: str) -> str:
    """Refuse an empty text."""
    if not text:
        raise ValueError("it must be given")
    return text


def _word(text: str) -> str:
    """A name of a user or a host: ssh must not take it for an option."""
    given(text)
    if text.startswith("-") or any(each.isspace() for each in text):
        raise ValueError("no such name can be")
    return text


Name = Annotated[str, AfterValidator(_word), Field(validate_default=True)]


class LoginSpec(Spec):
    """The attributes that executors on hosts have in common."""

    username: Name = ""
    """Who logs in."""

    ssh_key_file: Annotated[str, AfterValidator(given)] = "~/.ssh/id_rsa"
    """Where the private key is: a file of the user's machine, or the ARN of a secret."""

    cert_file: str | None = None
    """Where the certificate is that an authority has signed for it, if hosts ask for one; as above."""

    port: Annotated[int, Field(ge=1, le=MAX_PORT)] = 22
    """The ssh server's."""

    known_hosts: str = ""
    """Lines of known hosts, or a file of them; ssh's own file if empty."""

    poll_freq: Annotated[float, Field(gt=0, le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 15
    """Seconds between two looks at a job."""

    def check(self, executor: str, place: Place) -> None:
        """See that nothing must be read from files of the user's machine where they are not.

        Raises:
            InvalidWorkflow: something must; the message names the parameter and the cure.

        """
        if place.reads_files:
            return
        for name in ("ssh_key_file", "cert_file"):
            path = getattr(self, name)
            if path and not path.startswith(_ARN):
                raise InvalidWorkflow(
                    f"executor {executor!r}: {name}: {path!r} is a file of your machine, which AWS cannot read: run"
                    f" `covalent secret put NAME --file {path}` and give the ARN that it prints as {name}"
                )
        if not is_lines(self.known_hosts):
            raise InvalidWorkflow(
                f"executor {executor!r}: known_hosts: on AWS the host's key must be given: pass the lines that"
                " `ssh-keyscan HOST` prints, once you have compared them with the host's own fingerprint"
            )

    def login(self, host: str, secrets: Secrets) -> Login:
        """Who logs in where, with the key itself.

        Raises:
            Refused: the key cannot be read.

        """
        return Login(
            host=host,
            user=self.username,
            key=secrets(self.ssh_key_file),
            certificate=secrets(self.cert_file) if self.cert_file else "",
            port=self.port,
            known_hosts=self.known_hosts,
        )
