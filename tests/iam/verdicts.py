"""Recorded requests, replayed against the policies of the roles that made them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.iam.calls import Names, Request
from tests.iam.policy import Call, Policy
from tests.iam.reasons import reason


@dataclass(frozen=True)
class Grant:
    """One action that a role has, by the name of the statement that gives it."""

    role: str
    sid: str
    action: str


@dataclass
class Verdicts:
    """What was found. `denied` has the calls that no statement allows, by role."""

    used: Counter[Grant] = field(default_factory=Counter)
    denied: list[tuple[str, Call]] = field(default_factory=list)

    def judge(self, requests: Iterable[Request], policies: Mapping[str, str], bucket: str) -> None:
        """Ask the policies.

        Args:
            requests: what was recorded.
            policies: the policy of each role, as JSON.
            bucket: the bucket that they name.

        """
        read = {role: Policy.read(text) for role, text in policies.items()}
        names = Names(bucket)
        for request in requests:
            for call in names.calls(request):
                sid = read[request.role].allowing(call)
                if sid is None:
                    self.denied.append((request.role, call))
                else:
                    self.used[Grant(request.role, sid, call.action)] += 1


def granted(permissions: Mapping[str, Mapping[str, Any]]) -> Iterator[Grant]:
    """All that the roles have, from Terraform's output `permissions`."""
    for role, grants in permissions.items():
        for name, grant in grants.items():
            sid = "".join(word.title() for word in name.split("_"))
            for action in grant["actions"]:
                yield Grant(role, sid, action)


def table(permissions: Mapping[str, Mapping[str, Any]], found: Verdicts) -> list[str]:
    """A line for each role, then one for each action that was not used."""
    grants = list(granted(permissions))
    lines = [f"{'role':<9}{'granted':>8}{'used':>6}{'unused':>8}{'calls':>8}{'denied':>8}"]
    unused = [each for each in grants if each not in found.used]
    for role in sorted(permissions):
        given = sum(each.role == role for each in grants)
        left = sum(each.role == role for each in unused)
        calls = sum(number for each, number in found.used.items() if each.role == role)
        denied = sum(each == role for each, _ in found.denied)
        lines.append(f"{role:<9}{given:>8}{given - left:>6}{left:>8}{calls:>8}{denied:>8}")
    why: dict[tuple[str, str], list[str]] = {}
    for each in unused:
        why.setdefault((each.action, reason(each.role, each.action) or "NO REASON"), []).append(
            each.role
        )
    lines.append("not used, and why granted:")
    lines += [f"  {action} ({', '.join(roles)}): {text}" for (action, text), roles in why.items()]
    return lines
