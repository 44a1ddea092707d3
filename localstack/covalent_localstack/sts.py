"""AWS STS: hands out the role of user code, as the runner asks for it.

moto could too, but the front must know the keys of sessions, and tests what they were tagged with.

A session does not end here as long as the server runs: electrons may take days offline, and nobody renews it meanwhile.
Nothing is denied to it either. The machine is its user's, who could read the token from the configuration as well.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from covalent_localstack import environment

_ACTION = b"Action=AssumeRole&"
_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>\
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
<SessionToken>{token}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
<AssumedRoleUser><Arn>arn:aws:sts::{account}:assumed-role/{role}/{name}</Arn></AssumedRoleUser>\
</AssumeRoleResult></AssumeRoleResponse>"""


@dataclass(frozen=True)
class Session:
    """A role that was taken, and the tags that were set with it."""

    role: str
    name: str
    tags: Mapping[str, str]


class Sessions:
    """Sessions by the id of their access key. `roles` are the ARNs of the roles that can be taken."""

    roles = frozenset({environment.role_arn(environment.ELECTRON_ROLE)})

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __getitem__(self, key: str) -> Session:
        return self._held[key]

    def answer(
        self, environ: dict[str, Any]
    ) -> tuple[int, list[tuple[str, str]], list[bytes]] | None:
        """Answer AssumeRole for the role of user code; None for what moto must answer."""
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != "/":
            return None
        if "/sts/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
            return None
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(body)
        fields = dict(parse_qsl(body.decode())) if body.startswith(_ACTION) else {}
        if fields.get("RoleArn") not in self.roles:
            return None
        return 200, [("Content-Type", "text/xml")], [self._assumed(fields).encode()]

    def _assumed(self, fields: Mapping[str, str]) -> str:
        key = f"ASIA{secrets.token_hex(8).upper()}"
        role = fields["RoleArn"].rpartition("/")[2]
        session = Session(role, fields["RoleSessionName"], _tags(fields))
        self._held[key] = session
        return _ANSWER.format(
            key=key,
            secret=secrets.token_hex(20),
            token=secrets.token_hex(20),
            account=environment.ACCOUNT,
            role=session.role,
            name=session.name,
        )


def _tags(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        value: fields[name.replace(".Key", ".Value")]
        for name, value in fields.items()
        if name.startswith("Tags.member.") and name.endswith(".Key")
    }
