"""Every call that a run of the deployment makes is allowed to the role that makes it, and nothing else is granted."""

from collections.abc import Mapping

import pytest
from tests.iam import reasons, workflows, workload
from tests.iam.verdicts import Verdicts, granted, table
from tests.terraform.cycle import Cycle


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> workload.Run:
    """The requests of a run on the embedded AWS: values large and small, gates, failures, retries, a Distributed Map,
    nested executions, a stop, downloads, sharing, restart and sweep.
    """
    return workload.run(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def verdicts(cycles: Mapping[str, Cycle], recorded: workload.Run) -> Verdicts:
    outputs = cycles["complete"].outputs
    found = Verdicts()
    found.judge(recorded.requests, outputs["policies"], outputs["bucket"])
    return found


def test_no_call_is_denied(verdicts: Verdicts) -> None:
    assert verdicts.denied == []


def test_no_grant_is_unused_without_a_reason(
    cycles: Mapping[str, Cycle], verdicts: Verdicts, capsys: pytest.CaptureFixture[str]
) -> None:
    permissions = cycles["complete"].outputs["permissions"]
    with capsys.disabled():
        print("\n" + "\n".join(table(permissions, verdicts)))
    unused = [each for each in granted(permissions) if each not in verdicts.used]
    assert [each for each in unused if reasons.reason(each.role, each.action) is None] == []


def test_each_reason_is_still_needed(cycles: Mapping[str, Cycle], verdicts: Verdicts) -> None:
    permissions = cycles["complete"].outputs["permissions"]
    unused = [each for each in granted(permissions) if each not in verdicts.used]
    needed = {(each.role, each.action) for each in unused}
    needed |= {(reasons.ALL, each.action) for each in unused}
    assert set(reasons.REASONS) - needed == set()


def test_what_a_curious_electron_tries_is_denied(
    cycles: Mapping[str, Cycle], recorded: workload.Run
) -> None:
    """Other dispatches, other owners' assets, whose a dispatch is, and what there is at all."""
    outputs = cycles["complete"].outputs
    assert len(recorded.attempts) == workflows.ATTEMPTS
    for attempt in recorded.attempts:
        found = Verdicts()
        found.judge([attempt], outputs["policies"], outputs["bucket"])
        assert found.denied, attempt
        assert not found.used, attempt
