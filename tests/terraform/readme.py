"""The tables in the READMEs of infra/terraform, made from the code they describe.

`python -m tests.terraform.readme` writes those of inputs and outputs. That of the roles needs an applied deployment:
`REGENERATE=1 pytest -m terraform tests/terraform -k readme`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "infra" / "terraform"
PLACES = (
    ".",
    *sorted(
        path.parent.relative_to(SOURCE).as_posix() for path in SOURCE.glob("modules/**/versions.tf")
    ),
)

_BLOCK = re.compile(r'^(variable|output) "(\w+)" {\n(.*?)^}', re.MULTILINE | re.DOTALL)
_DESCRIPTION = re.compile(r'^  description += "(.*)"$', re.MULTILINE)
_TYPE = re.compile(r"^  type += (\S+)", re.MULTILINE)
_DEFAULT = re.compile(r"^  default += (.+)$", re.MULTILINE)


def inputs(code: str) -> list[str]:
    """The table of the variables in a file."""
    rows = ["| input | type | default | what it is |", "|---|---|---|---|"]
    for name, body in _blocks(code, "variable"):
        default = _DEFAULT.search(body)
        told = f"`{default[1].rstrip(' {')}`" if default else "required"
        kind = _found(_TYPE, body).rstrip("({")
        rows.append(f"| `{name}` | {kind} | {told} | {_found(_DESCRIPTION, body)} |")
    return rows


def outputs(code: str) -> list[str]:
    """The table of the outputs in a file."""
    rows = ["| output | what it is |", "|---|---|"]
    rows += [
        f"| `{name}` | {_found(_DESCRIPTION, body)} |" for name, body in _blocks(code, "output")
    ]
    return rows


def roles(permissions: Mapping[str, Any]) -> list[str]:
    """The table of the roles, from the output `permissions`."""
    rows = ["| role | may | on | because |", "|---|---|---|---|"]
    for role, grants in sorted(permissions.items()):
        for _, grant in sorted(grants.items()):
            actions = ", ".join(f"`{action}`" for action in sorted(grant["actions"]))
            places = ", ".join(f"`{_place(arn)}`" for arn in grant["resources"])
            only = "".join(f"; only if {_condition(each)}" for each in grant["conditions"])
            rows.append(f"| {role} | {actions} | {places}{only} | {grant['why']} |")
    return rows


def replaced(text: str, name: str, rows: list[str]) -> str:
    """A README with another table between its markers.

    Raises:
        ValueError: it has no such markers.

    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"no {begin} ... {end}")
    return "\n".join([before + begin, *rows, end + after])


def described(place: str) -> str:
    """The README of a module as it must be, but for the roles."""
    folder = SOURCE / place
    text = (folder / "README.md").read_text()
    text = replaced(text, "inputs", inputs((folder / "variables.tf").read_text()))
    return replaced(text, "outputs", outputs((folder / "outputs.tf").read_text()))


def _blocks(code: str, kind: str) -> Iterator[tuple[str, str]]:
    return ((name, body) for found, name, body in _BLOCK.findall(code) if found == kind)


def _found(pattern: re.Pattern[str], body: str) -> str:
    match = pattern.search(body)
    if match is None:
        raise ValueError(f"{pattern.pattern} is not in {body}")
    return match[1]


def _place(arn: str) -> str:
    """An ARN without account and region, and the machines' question marks as one word."""
    short = re.sub(r"^arn:aws:(\w+):[^:]*:[^:]*:", r"\1:", arn).replace("?" * 40, "<hash>")
    short = re.sub(r"key/[0-9a-f-]+", "key/<kms_key_arn>", short)
    return short.replace("covalent-123456789012-us-east-1", "<bucket>")


def _condition(condition: Mapping[str, Any]) -> str:
    values = " or ".join(f"`{value}`" for value in condition["values"])
    return f"`{condition['variable']}` is {values}"


def main() -> None:
    """Write the tables of inputs and outputs."""
    for place in PLACES:
        (SOURCE / place / "README.md").write_text(described(place))


if __name__ == "__main__":
    main()
