from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.bridge.conftest import ELECTRON, RUNNING, Far
from tests.unit.runner.conftest import DISPATCH_ID

from covalent_bridge import steps
from covalent_bridge.errands import Bucket
from covalent_bridge.steps import Progress
from covalent_contracts import keys
from covalent_contracts.attachments import Attachments
from covalent_contracts.ticket import Errand
from covalent_executors.adapter import Busy, Refused, Sighting, State
from covalent_runner.errors import ElectronFailed, UpstreamFailed

JOB = f"c-{DISPATCH_ID}-0-0"
ENDED = Sighting(State.ENDED)


def double(x: int) -> int:
    print("doubling")
    return 2 * x


def fail(x: int) -> None:
    raise ValueError(f"not {x}")


def prepared(far: Far, function: object = double, **fields: Any) -> None:
    light = far.dispatch.constant(1, 21)
    far.dispatch.add(0, function, before=(light,), args=(1,), **fields)


def test_a_job_is_submitted_looked_at_and_recorded(far: Far) -> None:
    prepared(far)
    assert not far.step().is_over
    item = far.dispatch.item(0)
    assert (item["status"], JOB in item["job_handle"]) == ("RUNNING", True)
    assert not far.step().is_over
    far.work()
    far.place.sightings.append(ENDED)
    assert far.step().is_over
    assert far.dispatch.value(0) == 42
    assert far.dispatch.item(0)["stdout"] == "doubling\n"
    assert far.place.cleaned == [JOB]


def leaving(x: int) -> int:
    from covalent_contracts import attachments

    collector = attachments.collector()
    assert collector is not None
    collector.add("texts", str(x).encode())
    return x


def test_what_the_job_left_beside_its_output_is_recorded(far: Far) -> None:
    prepared(far, leaving)
    far.step()
    far.work()
    far.place.sightings.append(ENDED)
    assert far.step().is_over
    data = far.dispatch.object(far.dispatch.item(0)["attachments_key"])
    assert Attachments.load(data).found == {"texts": [b"21"]}


def test_a_second_delivery_finds_the_job_and_both_tickets_are_good(far: Far) -> None:
    prepared(far)
    far.step(Progress())
    far.step(Progress())
    assert list(far.place.jobs) == [JOB]
    stored = far.dispatch.object(keys.errand(DISPATCH_ID, 0, 0))
    assert len(Errand.load(stored).seals) == 2


def test_what_is_over_stays_over(far: Far) -> None:
    prepared(far)
    held = far.step().progress
    far.work()
    far.place.sightings += [ENDED, ENDED]
    assert far.step(held).is_over
    assert far.step(held).is_over
    assert far.step(Progress()).is_over
    assert len(far.place.jobs) == 1


def test_a_verdict_is_recorded_once_the_job_has_had_time_to_end(far: Far) -> None:
    prepared(far)
    far.step()
    far.work()
    assert not far.step().is_over  # commands after the electron may still run
    far.time += steps.GRACE
    assert far.step().is_over


def test_while_the_job_has_time_to_end_its_verdict_is_read_once(
    far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(far)
    far.step()
    far.work()
    handed_in = far.step().progress
    with monkeypatch.context() as patch:
        patch.delattr(Bucket, "get")
        far.time += steps.GRACE / 2
        assert far.step().progress == handed_in
    far.place.sightings.append(ENDED)
    assert far.step().is_over


def test_a_failed_try_is_followed_by_another_job(far: Far) -> None:
    prepared(far, fail, retries=1)
    far.step()
    far.work()
    far.place.sightings.append(ENDED)
    assert far.step().progress == Progress(attempt=1)
    far.step()
    far.work(1)
    far.place.sightings.append(ENDED)
    with pytest.raises(ElectronFailed):
        far.step()
    assert [each[-1] for each in far.place.jobs] == ["0", "1"]
    item = far.dispatch.item(0)
    assert item["status"] == "FAILED"
    assert "ValueError: not 21" in item["error"]


def test_a_failed_try_whose_answer_was_lost_is_not_repeated(far: Far) -> None:
    prepared(far, fail, retries=1)
    held = far.step().progress
    far.work()
    far.place.sightings += [ENDED, ENDED]
    assert far.step(held).progress.attempt == 1
    assert far.step(Progress()).progress.attempt == 1


def test_a_job_that_ends_without_a_verdict_is_lost(far: Far) -> None:
    prepared(far)
    far.step()
    far.place.sightings.append(Sighting(State.ENDED, "out of memory: ask for more than 4 GB"))
    with pytest.raises(ElectronFailed):
        far.step()
    item = far.dispatch.item(0)
    assert "JobLost: the job of electron 0: out of memory: ask for more" in item["error"]
    assert f"the log of {JOB}" in item["stderr"]


def test_a_verdict_that_was_cut_short_fails_the_electron(far: Far) -> None:
    prepared(far)
    far.step()
    far.work()
    key = keys.verdict(DISPATCH_ID, 0, 0)
    far.dispatch.put(key, far.dispatch.object(key)[:-3])
    far.place.sightings.append(ENDED)
    with pytest.raises(ElectronFailed):
        far.step()
    assert "was cut short on its way" in far.dispatch.item(0)["error"]


def test_a_place_that_does_not_answer_is_waited_for_but_not_for_ever(far: Far) -> None:
    prepared(far)
    far.step()
    far.time += steps.SILENCE
    far.place.sightings += [Busy("no route"), RUNNING, Busy("no route"), Busy("no route")]
    assert not far.step().is_over
    assert not far.step().is_over
    far.time += steps.SILENCE
    assert not far.step().is_over
    far.time += 1
    with pytest.raises(ElectronFailed):
        far.step()
    assert "has not answered for 10 minutes" in far.dispatch.item(0)["error"]


def test_the_time_limit_is_for_the_job_and_not_for_its_queue(far: Far) -> None:
    prepared(far, time_limit=5)
    far.step()
    far.time += 1000
    far.place.sightings.append(Sighting(State.PENDING, "Resources"))
    far.step()
    assert far.step().seconds <= 5
    far.time += 5
    with pytest.raises(ElectronFailed):
        far.step()
    assert "within its time limit of 5 s" in far.dispatch.item(0)["error"]
    assert far.place.cancelled == [JOB]


def test_a_place_that_refuses_is_not_asked_again(far: Far) -> None:
    prepared(far, retries=3)
    far.place.refusal = Refused("no such queue: batch")
    with pytest.raises(ElectronFailed):
        far.step()
    item = far.dispatch.item(0)
    assert (item["status"], "no such queue: batch" in item["error"]) == ("FAILED", True)


def test_a_place_that_is_full_is_for_the_state_machine_to_retry(far: Far) -> None:
    prepared(far)
    far.place.refusal = Busy("full")
    with pytest.raises(Busy):
        far.step()
    far.place.refusal = None
    assert not far.step().is_over


def test_a_job_that_is_submitted_while_the_node_is_cancelled_is_ended(far: Far) -> None:
    prepared(far)
    submit = far.place.submit

    def slow(job: object) -> object:
        far.cancel()
        return submit(job)  # type: ignore[arg-type]  # as it came

    far.place.submit = slow  # type: ignore[method-assign, assignment]  # the cancellation comes in between
    with pytest.raises(UpstreamFailed):
        far.step()
    assert far.place.cancelled == [JOB]


def test_an_electron_that_was_cancelled_has_its_job_ended(far: Far) -> None:
    prepared(far)
    far.step()
    far.cancel()
    with pytest.raises(UpstreamFailed):
        far.step()
    assert far.place.cancelled == [JOB]


def test_an_electron_whose_input_failed_has_no_job(far: Far) -> None:
    far.dispatch.add(0, double, inputs=(7,), args=(7,))
    with pytest.raises(UpstreamFailed):
        far.step()
    assert far.place.jobs == {}


@given(poll=st.floats(1, 3600), days=st.floats(0, 365))
def test_looks_come_soon_at_first_and_never_fill_the_history(poll: float, days: float) -> None:
    electron = replace(ELECTRON, poll=poll)
    progress, now, looks = Progress(handle={}, submitted=0.0), 0.0, 0
    while now < days * 86400:
        answer = steps._again(electron, progress, now)
        assert 1 <= answer.seconds <= max(poll, now / steps.RARER) + 1
        progress, now, looks = answer.progress, now + answer.seconds, looks + 1
    assert looks * 9 < 25_000 / 2


def test_a_place_that_carries_files_gets_the_inputs_and_hands_the_verdict_back(far: Far) -> None:
    carrier = far.carry()
    prepared(far)
    far.step()
    ticket = far.ticket()
    files = carrier.jobs[JOB].files
    assert {name.removeprefix("file:") for name in ticket.gets.values()} == set(files)
    assert ticket.put == "file:verdict"
    assert ticket.capability == ""
    carrier.sightings.append(Busy("no route"))
    assert not far.step().is_over
    carrier.verdict = far.verdict()
    carrier.sightings.append(ENDED)
    assert far.step().is_over
    assert far.dispatch.value(0) == 42


def test_a_place_that_does_not_let_us_in_any_more_has_lost_the_job(far: Far) -> None:
    prepared(far)
    far.step()
    far.place.sightings.append(Refused("the login was revoked"))
    with pytest.raises(ElectronFailed):
        far.step()
    assert "the login was revoked" in far.dispatch.item(0)["error"]


def test_its_verdict_counts_all_the_same(far: Far) -> None:
    prepared(far)
    far.step()
    far.work()
    far.place.sightings.append(Refused("the login was revoked"))
    assert far.step().is_over
    assert far.dispatch.value(0) == 42
