"""The role that user code has: taken anew for each dispatch, tagged with the dispatch and its owner.

What the role may do is written with these tags (infra/terraform/modules/functions), so credentials that were
taken for one dispatch reach that dispatch, and the assets of its owner, and nothing else.
"""

import json
import os
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from covalent_contracts import keys
from covalent_runner import signed_http
from covalent_runner.signed_http import Credentials, Request

VARIABLE = "COVALENT_ELECTRON_ROLE"
"""Where the function finds the ARN of the role."""
LIFETIME = 3600
"""Seconds; more is not to be had for a role that takes another one."""
_FIELD = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)</")
_NOT_THERE = frozenset({403, 404})


@dataclass(frozen=True)
class Pass:
    """What user code of one dispatch may work with, until `ends` (seconds since the epoch)."""

    dispatch_id: str
    owner: str
    credentials: Credentials
    ends: float


def issue(role: str, dispatch_id: str, node: int, sublattice: str) -> Pass:
    """Take the role for a dispatch.

    Args:
        role: its ARN.
        dispatch_id: whose electron is to run. The caller has checked that it is one.
        node: any electron of it; the sheets it is in tell the owner. Only the control plane writes sheets.
        sublattice: the dispatch whose results may be read too; `dispatch_id` itself for none.

    Raises:
        LookupError: there is no such dispatch.
        signed_http.Refused: the role is not to be had.

    """
    own = Credentials.of_process()
    now = time.time()
    owner = _owner(dispatch_id, keys.page_of(node), own)
    answer = signed_http.send(_assume_role(role, dispatch_id, owner, sublattice), own).decode()
    found = dict(_FIELD.findall(answer))
    credentials = Credentials(
        found["AccessKeyId"], found["SecretAccessKey"], found.get("SessionToken", "")
    )
    return Pass(dispatch_id, owner, credentials, now + LIFETIME)


def _owner(dispatch_id: str, page: int, own: Credentials) -> str:
    path = f"/{os.environ['COVALENT_BUCKET']}/{keys.sheets(dispatch_id, page)}"
    try:
        return str(json.loads(signed_http.send(Request("s3", "GET", path), own))["owner"])
    except signed_http.Refused as exc:
        if exc.status not in _NOT_THERE:
            raise
        raise LookupError(f"dispatch {dispatch_id} has no sheets {page}") from exc


def _assume_role(role: str, dispatch_id: str, owner: str, sublattice: str) -> Request:
    fields = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": dispatch_id,
        "DurationSeconds": LIFETIME,
        "Tags.member.1.Key": "dispatch",
        "Tags.member.1.Value": dispatch_id,
        "Tags.member.2.Key": "owner",
        "Tags.member.2.Value": owner,
        "Tags.member.3.Key": "sublattice",
        "Tags.member.3.Value": sublattice,
    }
    return Request("sts", "POST", "/", urlencode(fields).encode())
