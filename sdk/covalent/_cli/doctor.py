"""`covalent doctor`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from covalent._dispatch.checkup import Finding

_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("–", "yellow")}


@click.command()
@click.option(
    "--profile",
    metavar="NAME",
    help="The deployment to look at. By default the one that a dispatch would go to.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, for scripts.")
def doctor(profile: str | None, as_json: bool) -> None:
    """Look for what keeps dispatches from getting through.

    One line for each thing, and the cure below it. Exit code 1 if anything is wrong.
    """
    from covalent._dispatch.checkup import State, examine  # noqa: PLC0415  # loads httpx, pydantic

    findings = []
    for finding in examine(profile):
        findings.append(finding)
        if not as_json:
            _show(finding)
    is_well = all(each.state is not State.FAILED for each in findings)
    if as_json:
        click.echo(json.dumps({"ok": is_well, "checks": [_document(each) for each in findings]}))
    if not is_well:
        raise click.exceptions.Exit(1)


def _show(finding: "Finding") -> None:
    """One line, and one more with the cure."""
    mark, colour = _MARKS[finding.state]
    click.echo(f"{click.style(mark, fg=colour)} {finding.name}: {finding.detail}")
    if finding.cure:
        click.echo(f"  {finding.cure}")


def _document(finding: "Finding") -> dict[str, str]:
    known = asdict(finding)
    return {key: str(known[key]) for key in ("name", "state", "detail", "cure")}
