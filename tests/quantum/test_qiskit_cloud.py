"""QiskitExecutor on IBM Quantum: the client of Qiskit Runtime as it is, and IBM's cloud on this machine."""

import asyncio
import logging
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pennylane as qml
import pytest
from pydantic import ValidationError
from qiskit_ibm_runtime.accounts.exceptions import InvalidAccountError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMInputValueError,
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeJobFailureError,
)
from tests.quantum.ibm_cloud import CRN, KEY, IBMCloud, Job, Machine, ibm, refusal

import covalent as ct
from covalent._quantum import records
from covalent._quantum.ibm import account, errors, jobs, place, sessions
from covalent._quantum.ibm.account import account_of
from covalent._quantum.ibm.retired import SuccessorWarning
from covalent._shared_files.logger import app_log
from covalent_contracts import attachments

__all__ = ["ibm"]
pytestmark = [
    pytest.mark.quantum,
    pytest.mark.filterwarnings("ignore::covalent._quantum.ibm.retired.SuccessorWarning"),
]


def executor(**fields: Any) -> Any:
    given = {"device": "sampler", "backend": "ibm_manila", "ibmqx_token": KEY, "shots": 400}
    return ct.executor.QiskitExecutor(**{**given, **fields})


def circuit_on(*executors: Any) -> Any:
    @ct.qelectron(executors=list(executors))
    @qml.qnode(qml.device("default.qubit", wires=2))
    def circuit(x: float) -> Any:
        qml.RX(x, wires=0)
        qml.CNOT(wires=[0, 1])
        return qml.probs(wires=[0, 1])

    return circuit


def submitted(runs: Any, count: int = 1) -> list[Future[Any]]:
    scripts = [
        qml.tape.QuantumScript([qml.RX(1.0 * i, 0)], [qml.expval(qml.Z(0))]) for i in range(count)
    ]
    return list(runs.bound(qnode_device_wires=1).batch_submit(scripts))


def only_job(ibm: IBMCloud) -> Job:
    (job,) = ibm.jobs.values()
    return job


def test_a_circuit_runs_in_a_session(ibm: IBMCloud) -> None:
    found = circuit_on(executor())(np.pi)

    assert found[3] > 0.8  # a real device's noise, as it was recorded
    (session,) = ibm.sessions.values()
    assert (session["mode"], session["backend_name"]) == ("dedicated", "ibm_manila")
    assert only_job(ibm).body["session_id"] == session["id"]


def test_calls_share_a_session_which_is_closed_in_the_end(ibm: IBMCloud) -> None:
    circuit = circuit_on(executor())

    circuit(0.1), circuit(0.2)

    assert (len(ibm.sessions), len(ibm.jobs)) == (1, 2)
    sessions.close_all()
    assert [each["accepting_jobs"] for each in ibm.sessions.values()] == [False]


def test_the_end_of_an_electron_closes_its_session(ibm: IBMCloud) -> None:
    circuit = circuit_on(executor())
    with attachments.collected():
        circuit(0.1), circuit.run_later(0.2).result(30)
        assert [each["accepting_jobs"] for each in ibm.sessions.values()] == [True]
    assert [each["accepting_jobs"] for each in ibm.sessions.values()] == [False]


def test_the_end_of_a_process_closes_its_session(ibm: IBMCloud) -> None:
    program = """
import sys
import covalent as ct
import pennylane as qml

runs = ct.executor.QiskitExecutor(device="sampler", backend="ibm_manila", ibmqx_token=sys.argv[1])
circuit = qml.tape.QuantumScript([qml.X(0)], [qml.probs(wires=0)])
runs.batch_get_results(runs.bound(qnode_device_wires=1).batch_submit([circuit]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, KEY], check=True)

    assert [each["accepting_jobs"] for each in ibm.sessions.values()] == [False]


def test_a_session_that_ended_is_replaced(ibm: IBMCloud) -> None:
    circuit = circuit_on(executor())
    circuit(0.1)
    for each in ibm.sessions.values():
        each.update(state="closed", accepting_jobs=False)

    circuit(0.2)

    assert len(ibm.sessions) == 2


def test_an_account_without_sessions_gets_a_batch_with_one_warning(ibm: IBMCloud) -> None:
    ibm.plan = "Open"

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        circuit_on(executor(max_time=90))(0.1)

    (batch,) = ibm.sessions.values()
    assert (batch["mode"], batch["max_ttl"]) == ("batch", 90)
    assert sum("has no sessions" in str(each.message) for each in caught) == 1


def test_a_session_that_the_service_forgot_is_replaced(ibm: IBMCloud) -> None:
    circuit = circuit_on(executor())
    circuit(0.1)
    ibm.sessions.clear()

    circuit(0.2)

    assert len(ibm.sessions) == 1


@pytest.mark.parametrize(("single_job", "jobs"), [(True, 1), (False, 3)])
def test_single_job(ibm: IBMCloud, *, single_job: bool, jobs: int) -> None:
    runs = executor(single_job=single_job)

    results = runs.batch_get_results(submitted(runs, 3))

    assert len(ibm.jobs) == jobs
    assert results[0] > results[2]


def test_gradients_are_spread_over_jobs(ibm: IBMCloud) -> None:
    @ct.qelectron(executors=executor(shots=2000, single_job=True))
    @qml.qnode(qml.device("default.qubit", wires=1), diff_method="parameter-shift")
    def circuit(x: Any) -> Any:
        qml.RX(x, wires=0)
        return qml.expval(qml.Z(0))

    assert qml.grad(circuit)(qml.numpy.array(np.pi / 2)) == pytest.approx(-1, abs=0.15)


@pytest.mark.parametrize(("given", "sent"), [(90, 90), ("1h 2m 3s", 3723), (None, 28800)])
def test_max_time_is_the_sessions(ibm: IBMCloud, given: Any, sent: int) -> None:
    circuit_on(executor(max_time=given))(0.1)

    assert [each["max_ttl"] for each in ibm.sessions.values()] == [sent]


def test_options_are_sent(ibm: IBMCloud) -> None:
    options = {
        "resilience_level": 1,
        "optimization_level": 1,
        "twirling": {"enable_gates": True},
        "environment": {"job_tags": ["h2"]},
        "max_execution_time": 50,
    }

    circuit_on(executor(options=options))(0.1)

    body = only_job(ibm).body
    assert body["params"]["options"]["twirling"] == {"enable_gates": True, "enable_measure": True}
    assert body["params"]["options"]["dynamical_decoupling"] == {"enable": True}
    assert (body["tags"], body["cost"]) == (["h2"], 50)


def test_no_resilience_is_none(ibm: IBMCloud) -> None:
    circuit_on(executor(options={"resilience_level": 0}))(0.1)

    assert "twirling" not in only_job(ibm).body["params"].get("options", {})


def test_shots_are_the_executors(ibm: IBMCloud) -> None:
    circuit_on(executor(shots=123))(0.1)

    ((_, _, shots),) = only_job(ibm).body["params"]["pubs"]
    assert shots == 123


def test_the_channel_that_ended_has_a_successor_with_one_warning(ibm: IBMCloud) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        circuit_on(executor(channel="ibm_quantum"), executor(channel="ibm_quantum", shots=10))(0.1)

    told = [each for each in caught if issubclass(each.category, SuccessorWarning)]
    assert [str(each.message).startswith("The channel 'ibm_quantum' ended") for each in told] == [
        True
    ]


@pytest.mark.parametrize("instance", ["", CRN, "my-instance", "my-hub/my-group/my-project"])
def test_instances(ibm: IBMCloud, instance: str) -> None:
    circuit_on(executor(instance=instance))(0.1)

    assert len(ibm.jobs) == 1


def test_the_instance_of_the_cloud_channel(ibm: IBMCloud) -> None:
    circuit_on(executor(channel="ibm_cloud", cloud_instance=CRN))(0.1)

    assert len(ibm.jobs) == 1


def test_the_address_of_the_api(ibm: IBMCloud) -> None:
    circuit_on(executor(ibmqx_url=ibm.address))(0.1)

    assert ("POST", "127.0.0.1/api/v1/jobs") in ibm.requests


def test_a_wrong_instance(ibm: IBMCloud) -> None:
    with pytest.raises(errors.TokenRefused, match=r"instance.*nobodys"):
        circuit_on(executor(instance="nobodys"))(0.1)


def test_no_token(ibm: IBMCloud) -> None:
    with pytest.raises(errors.TokenMissing, match="ibmqx_token"):
        circuit_on(executor(ibmqx_token=""))(0.1)
    assert not ibm.requests


def test_the_token_of_where_circuits_run(
    ibm: IBMCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COVALENT_CONFIG_DIR", str(tmp_path))
    runs = executor(ibmqx_token="")
    ct.set_config("qelectron.QiskitExecutor.ibmqx_token", KEY)

    assert circuit_on(runs)(np.pi)[3] > 0.8
    assert KEY.encode() not in pickle.dumps(runs)


def test_no_record_has_the_token(ibm: IBMCloud) -> None:
    class Loud(ct.executor.IBMQExecutor):
        def run_circuit(self, *_: Any) -> Any:
            raise RuntimeError(f"Authorization: Bearer {self.ibmqx_token}")

    with records.collecting() as kept, pytest.raises(RuntimeError):
        circuit_on(Loud(ibmqx_token=KEY))(0.1)

    assert kept[0].error == "RuntimeError: Authorization: Bearer **********"
    assert KEY.encode() not in pickle.dumps([records.document(each) for each in kept])


def test_a_token_that_is_refused_is_not_shown(ibm: IBMCloud) -> None:
    secret = KEY[::-1]
    with pytest.raises(errors.TokenRefused, match="API key could not be found") as caught:
        circuit_on(executor(ibmqx_token=secret))(0.1)

    assert secret not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (IBMNotAuthorizedError, errors.TokenRefused),
        (InvalidAccountError, errors.TokenRefused),
        (IBMInputValueError, errors.TokenRefused),
        (RequestsApiError, errors.BackendUnavailable),
    ],
)
def test_what_the_client_says_shows_no_token(raised: Any, told: type[Exception]) -> None:
    with (
        pytest.raises(told, match=r"Bearer \*{10}") as caught,
        account_of(executor()).errors("ask"),
    ):
        raise raised(f"Authorization: Bearer {KEY}")

    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_what_is_said_of_a_job_that_is_not_taken_shows_no_token(
    ibm: IBMCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def __init__(self, **_: Any) -> None:
            pass

        def run(self, _: Any) -> None:
            raise IBMRuntimeError(f"Authorization: Bearer {KEY}")

    monkeypatch.setattr(place, "SamplerV2", Refusing)
    with pytest.raises(errors.JobFailed, match=r"did not take the job: .*\*{10}") as caught:
        circuit_on(executor())(0.1)

    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_service_that_is_not_there(ibm: IBMCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    with pytest.raises(errors.BackendUnavailable, match="cannot be reached"):
        circuit_on(executor())(0.1)


@pytest.mark.parametrize(
    ("name", "fate"), [("ibmq_lima", "was retired"), ("ibm_nowhere", "is not there")]
)
def test_a_back_end_that_is_not_there(ibm: IBMCloud, name: str, fate: str) -> None:
    with pytest.raises(errors.UnknownBackend, match=f"{name}' {fate}.*ibm_lagos, ibm_manila"):
        circuit_on(executor(backend=name))(0.1)


def test_a_back_end_that_is_offline(ibm: IBMCloud) -> None:
    ibm.machines["ibm_manila"].online = False
    ibm.machines["ibm_manila"].message = "maintenance"

    with pytest.raises(
        errors.BackendUnavailable, match=r"ibm_manila is offline \(maintenance\); others: ibm_lagos"
    ):
        circuit_on(executor())(0.1)
    assert not ibm.jobs


def test_a_queue_that_is_too_long(ibm: IBMCloud) -> None:
    ibm.machines["ibm_manila"].queue = 51

    with pytest.raises(
        errors.BackendUnavailable,
        match=r"51 jobs wait for ibm_manila.*; others: ibm_lagos \(0 jobs wait\)$",
    ):
        circuit_on(executor(options={"max_pending_jobs": 50}))(0.1)
    assert not ibm.jobs
    circuit_on(executor(options={"max_pending_jobs": 51}))(0.1)
    assert len(ibm.jobs) == 1


def test_no_back_end_is_there(ibm: IBMCloud) -> None:
    for machine in ibm.machines.values():
        machine.online = False

    with pytest.raises(errors.BackendUnavailable, match=r"is offline.*; no other is operational"):
        circuit_on(executor())(0.1)


def test_the_service_takes_no_more_jobs(ibm: IBMCloud) -> None:
    ibm.refuses = refusal(400, 3458, "You have reached the maximum number of pending jobs.")

    with pytest.raises(errors.JobFailed, match="maximum number of pending jobs"):
        circuit_on(executor())(0.1)


def test_jobs_above_the_rate_are_sent_again(ibm: IBMCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "PAUSES", (0.01,) * 3)
    ibm.stumbles = [refusal(429, 1500, "Too many requests.")] * 3

    circuit_on(executor())(0.1)
    assert (ibm.sent("POST", "/jobs"), len(ibm.jobs)) == (4, 1)

    ibm.stumbles = [refusal(429, 1500, "Too many requests.")] * 4
    with pytest.raises(errors.JobFailed, match="Too many requests"):
        circuit_on(executor())(0.1)


def test_a_look_that_fails_does_not_lose_the_job(ibm: IBMCloud) -> None:
    ibm.go.clear()
    (future,) = submitted(executor())
    looked(ibm)
    ibm.stumbles = [refusal(400, 1000, "API Internal error.")] * 3
    eventually(lambda: not ibm.stumbles)
    ibm.go.set()

    assert future.result(30).result > 0.8


class Unsteady:
    """A job at whose state not every look succeeds."""

    def __init__(self, *looks: bool) -> None:
        self.looks = list(looks)

    def in_final_state(self) -> bool:
        if not self.looks.pop(0):
            raise RequestsApiError("API Internal error.")
        return not self.looks

    def job_id(self) -> str:
        return "j1"

    def result(self) -> str:
        return "result"


def test_looks_that_fail_again_and_again_are_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_FAILURES", 3)
    monkeypatch.setattr(jobs, "_FIRST_LOOK", 0.001)

    def waited(*looks: bool) -> Any:
        account = account_of(executor())
        return asyncio.run(jobs.Running(Unsteady(*looks), "ibm_manila", account).result())

    assert waited(False, False, True, False, False, True) == "result"
    told = r"job j1 on ibm_manila is in a state that is not known \(.*Internal error"
    with pytest.raises(errors.JobStateUnknown, match=told):
        waited(False, False, False, True)


def test_a_back_end_is_looked_for_again_after_hours(
    ibm: IBMCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looks = account.Account.look_for, list[str]()

    def noting(self: account.Account, name: str) -> Any:
        looks.append(name)
        return look(self, name)

    monkeypatch.setattr(account.Account, "look_for", noting)
    circuit = circuit_on(executor())
    circuit(0.1), circuit(0.1)
    assert looks == ["ibm_manila"]

    monkeypatch.setattr(account, "_CALIBRATED", 1e-6)  # as if hours had gone by
    circuit(0.1)
    assert looks == ["ibm_manila"] * 2


def test_circuits_that_were_not_transpiled_are_refused(ibm: IBMCloud) -> None:
    options = {"transpilation": {"skip_transpilation": True}}

    with pytest.raises(
        errors.JobFailed, match=r"did not take the job.*not supported by the target"
    ):
        circuit_on(executor(options=options))(0.1)


def test_threads_look_for_the_back_end_once(ibm: IBMCloud) -> None:
    runs = ct.executor.IBMQExecutor(backend="ibm_lagos", ibmqx_token=KEY, shots=10)

    runs.batch_get_results(submitted(runs, 5))

    assert ibm.sent("GET", "/api/v1/backends") == 1


def test_a_job_that_fails_keeps_its_cause(ibm: IBMCloud) -> None:
    ibm.fails_with = 6075, "The qubits lost their coherence"

    with pytest.raises(errors.JobFailed, match=r"ibm_manila.*lost their coherence") as caught:
        circuit_on(executor())(0.1)

    assert isinstance(caught.value.__cause__, RuntimeJobFailureError)
    assert only_job(ibm).id in str(caught.value)


def test_a_job_that_was_cancelled_there(ibm: IBMCloud) -> None:
    ibm.go.clear()
    (future,) = submitted(executor())
    assert ibm.waiting.wait(30)
    only_job(ibm).status = "Cancelled"

    with pytest.raises(errors.JobFailed, match="cancelled"):
        future.result(30)


@pytest.mark.parametrize("single_job", [True, False])
def test_to_cancel_a_future_cancels_its_job(ibm: IBMCloud, *, single_job: bool) -> None:
    ibm.go.clear()
    (future,) = submitted(executor(single_job=single_job))
    looked(ibm)

    assert future.cancel()

    with pytest.raises(CancelledError):
        future.result(30)
    eventually(lambda: only_job(ibm).status == "Cancelled")


def ibmq(**fields: Any) -> Any:
    return ct.executor.IBMQExecutor(backend="ibm_manila", ibmqx_token=KEY, shots=100, **fields)


@pytest.mark.parametrize("runs", [executor, ibmq])
def test_to_cancel_a_call_cancels_its_job(ibm: IBMCloud, runs: Callable[[], Any]) -> None:
    ibm.go.clear()
    future = circuit_on(runs()).run_later(0.1)
    looked(ibm)

    assert future.cancel()

    assert only_job(ibm).status == "Cancelled"
    with pytest.raises(CancelledError):
        future.result(30)


@pytest.mark.parametrize("runs", [executor, ibmq])
def test_a_job_that_is_given_up_while_it_has_to_wait_is_not_sent(
    ibm: IBMCloud, monkeypatch: pytest.MonkeyPatch, runs: Callable[[], Any]
) -> None:
    monkeypatch.setattr(place, "PAUSES", (1.0,) * 3)
    ibm.stumbles = [refusal(429, 1500, "Too many requests.")]
    made = runs()
    futures = submitted(made)
    eventually(lambda: not ibm.stumbles)

    made.give_up(futures)

    with pytest.raises(CancelledError):
        futures[0].result(30)
    assert not wait(futures, 30).not_done
    assert (ibm.sent("POST", "/jobs"), ibm.jobs) == (1, {})


def test_a_job_that_is_sent_while_it_is_given_up_is_cancelled() -> None:
    cancelled, sends = threading.Event(), threading.Event()
    job = SimpleNamespace(cancel=cancelled.set)

    def send() -> jobs.Running:
        assert sends.wait(30)
        return jobs.Running(job, "ibm_manila")

    async def give_up() -> None:
        sending = asyncio.create_task(jobs.sent(send))
        await asyncio.sleep(0)
        sending.cancel()
        asyncio.get_running_loop().call_later(0.1, sends.set)
        await sending

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(give_up())
    assert cancelled.is_set()


@pytest.mark.parametrize(
    ("more", "fate", "status"),
    [
        (0, "it was cancelled", "Cancelled"),
        (1, "it could not be cancelled, and may go on", "Queued"),
    ],
)
def test_a_job_of_which_nothing_is_heard(
    ibm: IBMCloud,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    more: int,
    fate: str,
    status: str,
) -> None:
    monkeypatch.setattr(jobs, "_FAILURES", 2)
    monkeypatch.setattr(app_log, "propagate", True)
    ibm.go.clear()
    (future,) = submitted(executor())
    looked(ibm)
    ibm.stumbles = [refusal(400, 1000, "API Internal error.")] * (2 + more)

    with pytest.raises(errors.JobStateUnknown, match=f"state that is not known.*{fate}") as caught:
        future.result(30)

    assert only_job(ibm).id in str(caught.value)
    assert only_job(ibm).status == status
    assert (only_job(ibm).id in caplog.text) == bool(more)


_INTERRUPTED = """
import sys
import covalent as ct
import pennylane as qml

kind = getattr(ct.executor, sys.argv[1])
runs = kind(device="sampler", backend="ibm_manila", ibmqx_token=sys.argv[2], shots=10)

@ct.qelectron(executors=runs)
@qml.qnode(qml.device("default.qubit", wires=1))
def circuit(x):
    qml.RX(x, wires=0)
    return qml.probs(wires=0)

futures = [circuit.run_later(0.1) for _ in range(2)]
circuit(0.2)
"""


@pytest.mark.parametrize("kind", ["QiskitExecutor", "IBMQExecutor"])
def test_an_interrupted_program_leaves_no_job(ibm: IBMCloud, kind: str) -> None:
    ibm.go.clear()
    command = [sys.executable, "-W", "ignore", "-c", _INTERRUPTED, kind, KEY]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        eventually(lambda: len(ibm.jobs) == 3, 120)
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=60)

    assert "KeyboardInterrupt" in told
    assert {each.status for each in ibm.jobs.values()} == {"Cancelled"}


def looked(ibm: IBMCloud) -> None:
    """Wait until the client has looked at its job."""
    assert ibm.waiting.wait(30)
    eventually(lambda: ibm.sent("GET", only_job(ibm).id) > 0)


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)  # the cloud is a thread of this process, which tells nobody


def test_too_few_qubits(ibm: IBMCloud) -> None:
    @ct.qelectron(executors=executor())
    @qml.qnode(qml.device("default.qubit", wires=6))
    def wide() -> Any:
        qml.Hadamard(5)
        return qml.expval(qml.Z(5))

    with pytest.raises(
        errors.TooFewQubits, match="6 wires are more than the 5 qubits of ibm_manila"
    ):
        wide()


def test_a_device_cannot_be_exact(ibm: IBMCloud) -> None:
    with pytest.raises(errors.ShotsMissing, match="ibm_manila can only sample"):
        circuit_on(executor(shots=None))(0.1)


def test_the_token_is_in_no_log_and_no_repr(
    ibm: IBMCloud, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    runs = executor()
    circuit = circuit_on(runs)
    circuit(0.1)

    shown = [
        caplog.text,
        *capsys.readouterr(),
        repr(runs),
        str(runs),
        repr(circuit),
        runs.json_text(),
    ]
    assert not [each for each in shown if KEY in each]
    assert runs.ibmqx_token == KEY


def test_the_examples_of_the_reference(ibm: IBMCloud) -> None:
    from qiskit_ibm_runtime.fake_provider import FakeLimaV2

    ibm.machines["ibmq_lima"] = Machine(FakeLimaV2(), "ibmq_lima")
    local = ct.executor.QiskitExecutor()
    qasm = ct.executor.QiskitExecutor(
        device="sampler", backend="ibmq_qasm_simulator", ibmqx_token=KEY
    )
    lima = ct.executor.QiskitExecutor(
        device="sampler",
        backend="ibmq_lima",
        ibmqx_token=KEY,
        instance="my-hub/my-group/my-project",
        options={"optimization_level": 2, "resilience_level": 1},
    )

    @ct.qelectron(executors=[local, qasm, lima])
    @qml.qnode(qml.device("default.qubit", wires=2, shots=1024), interface="tf")
    def circuit(x: Any) -> Any:
        qml.IQPEmbedding(features=x, wires=[0, 1])
        qml.Hadamard(wires=1)
        return qml.probs(wires=range(2))

    x = [0.6, -1.57]
    futures = [circuit.run_later(x) for _ in range(4)]
    results = [future.result() for future in futures]

    assert {type(each).__module__.split(".")[0] for each in results} == {"tensorflow"}
    for each in results:
        assert np.allclose(each.numpy(), [0.05, 0.44, 0.46, 0.05], atol=0.12)
    assert len(ibm.jobs) == 1


def test_ibmq_runs_each_circuit_as_a_job_without_a_session(ibm: IBMCloud) -> None:
    runs = ct.executor.IBMQExecutor(backend="ibm_lagos", ibmqx_token=KEY, shots=300)

    results = runs.batch_get_results(submitted(runs, 3))

    assert (len(ibm.jobs), len(ibm.sessions)) == (3, 0)
    assert results[0] > results[2]
    assert "session_id" not in next(iter(ibm.jobs.values())).body


def test_ibmq_sends_jobs_side_by_side(ibm: IBMCloud) -> None:
    ibm.go.clear()
    runs = ct.executor.IBMQExecutor(backend="ibm_lagos", ibmqx_token=KEY, shots=10)

    futures = submitted(runs, 3)
    eventually(lambda: len(ibm.jobs) == 3)  # none of them has ended
    ibm.go.set()

    assert len(runs.batch_get_results(futures)) == 3


def test_ibmq_examples_of_the_reference(ibm: IBMCloud) -> None:
    from qiskit_ibm_runtime.fake_provider import FakeLimaV2

    ibm.machines["ibmq_lima"] = Machine(FakeLimaV2(), "ibmq_lima")
    lima = ct.executor.IBMQExecutor(backend="ibmq_lima", ibmqx_token=KEY)

    @ct.qelectron(executors=[ct.executor.IBMQExecutor(), lima])
    @qml.qnode(qml.device("default.qubit", wires=2, shots=1024), interface="jax")
    def circuit(x: Any) -> Any:
        qml.IQPEmbedding(features=x, wires=[0, 1])
        qml.Hadamard(wires=1)
        return qml.probs(wires=range(2))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = [circuit([0.5, 0.1]) for _ in range(3)]

    for each in results:
        assert np.allclose(each, [0.5, 0, 0.5, 0], atol=0.15)
    told = [str(e.message) for e in caught if issubclass(e.category, SuccessorWarning)]
    assert sorted(re.findall(r"qiskit\.ibmq|ibmq_qasm_simulator|channel", "|".join(told))) == [
        "channel",
        "ibmq_qasm_simulator",
        "qiskit.ibmq",
    ]


def test_a_wrong_field_does_not_show_the_token() -> None:
    with pytest.raises(ValidationError) as caught:
        executor(shots="many")

    assert KEY not in str(caught.value)
