"""What a user may set of a login, whatever is done there."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from covalent_executors.adapter import Secrets
from covalent_executors.hosts.login import Login
from covalent_executors.spec import MAX_TIME_LIMIT, Spec

MAX_PORT = 65_535

Seconds = Annotated[float, Field(ge=0, le=MAX_TIME_LIMIT, allow_inf_nan=False)]


class LoginSpec(Spec):
    """The attributes that executors on hosts have in common."""

    username: str = ""
    """Who logs in."""

    ssh_key_file: str = "~/.ssh/id_rsa"
    """Where the private key is: a file of the user's machine, or the ARN of a secret."""

    cert_file: str | None = None
    """Where the certificate is that an authority has signed for it, if hosts ask for one; as above."""

    port: Annotated[int, Field(ge=1, le=MAX_PORT)] = 22
    """The ssh server's."""

    known_hosts: str = ""
    """Lines of known hosts, or a file of them; ssh's own file if empty."""

    poll_freq: Seconds = 15
    """Seconds between two looks at a job."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.username:
            raise ValueError("username: who logs in there must be given")
        if self.username.startswith("-"):
            raise ValueError("username: it cannot begin with a hyphen")
        if not self.ssh_key_file:
            raise ValueError("ssh_key_file: the file of a private key must be given, or the ARN of a secret that has it")
        return self

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
