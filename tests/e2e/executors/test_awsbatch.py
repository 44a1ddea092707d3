import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.executors.contract import (
    BehaviourContract,
    excite,
    join_words,
    processes,
    sleep,
    square,
)
from tests.running import Server

import covalent as ct
from covalent.executor import AWSBatchExecutor
from covalent_contracts.errors import InvalidWorkflow

NAMED = {
    "batch_queue": "covalent-batch-qa-queue",
    "batch_job_definition_name": "covalent-batch-qa-job-definition",
    "batch_job_log_group_name": "covalent-batch-qa-log-group",
}


class TestBatch(BehaviourContract):
    killed = "the Batch job .* exit code 137, it was killed"
    left = "the Batch job .* exit code 7 before the electron had a result .*log stream "

    def made(self, **settings: Any) -> Any:
        return AWSBatchExecutor(**settings)

    def test_what_the_user_names_is_there(self, server: Server) -> None:
        result = self.ran(join_words, "Hello", "World", **NAMED)
        assert result.result == "Hello, World"
        batch = server.client("batch")
        (queue,) = batch.describe_job_queues(jobQueues=[NAMED["batch_queue"]])["jobQueues"]
        (job,) = batch.list_jobs(jobQueue=queue["jobQueueArn"])["jobSummaryList"]
        assert job["jobName"] == f"{result.dispatch_id}-0-0"
        (found,) = batch.describe_jobs(jobs=[job["jobId"]])["jobs"]
        assert NAMED["batch_job_definition_name"] in found["jobDefinition"]
        groups = server.client("logs").describe_log_groups()["logGroups"]
        assert NAMED["batch_job_log_group_name"] in [each["logGroupName"] for each in groups]

    def test_a_job_that_someone_terminates(self, server: Server, tmp_path: Path) -> None:
        queue = "one-of-ones-own"
        dispatch_id = self.dispatched(sleep, str(tmp_path), batch_queue=queue)
        pids, batch = processes(tmp_path), server.client("batch")
        (job,) = batch.list_jobs(jobQueue=queue, jobStatus="RUNNING")["jobSummaryList"]
        batch.terminate_job(jobId=job["jobId"], reason="the budget is used up")
        result = ct.get_result(dispatch_id, wait=True)
        assert result.status == "FAILED"
        assert "the budget is used up" in str(result.error)
        assert self.has_ended(pids)

    def test_siblings_are_rows_of_a_map(self, server: Server) -> None:
        """Their jobs have names of their own all the same."""
        run = self.electron(square)

        @ct.lattice
        def squares(n: int) -> Any:
            return [run(x) for x in range(n)]

        dispatch_id = ct.dispatch(squares)(24)
        assert ct.get_result(dispatch_id, wait=True).result == [x * x for x in range(24)]
        jobs = server.client("batch").list_jobs(jobQueue="covalent-electrons")["jobSummaryList"]
        names = [job["jobName"] for job in jobs if job["jobName"].startswith(dispatch_id)]
        assert len(names) == len(set(names)) == 24

    def test_a_sublattice(self) -> None:
        shout = self.electron(excite)

        @ct.electron(executor=self.made())
        @ct.lattice
        def inner(word: str) -> Any:
            return shout(word)

        @ct.lattice
        def outer(word: str) -> Any:
            return shout(inner(word))

        result = ct.get_result(ct.dispatch(outer)("Hello"), wait=True)
        assert (result.status, result.result) == ("COMPLETED", "Hello!!")

    def test_impossible_values_are_refused_at_dispatch(self) -> None:
        with pytest.raises(InvalidWorkflow, match=r"executor 'awsbatch': vcpu: .*whole number"):
            self.dispatched(square, 1, vcpu=0.5)

    def test_the_parameters_reach_the_job(self, server: Server) -> None:
        dispatch_id = self.dispatched(
            square, 3, vcpu=4, memory=7.5, num_gpus=1, time_limit=90, retry_attempts=1
        )
        assert ct.get_result(dispatch_id, wait=True).result == 9
        (asked,) = [
            json.loads(event["taskScheduledEventDetails"]["parameters"])
            for event in server.history(dispatch_id)
            if event["type"] == "TaskScheduled"
        ]
        wanted = {
            each["Type"]: each["Value"]
            for each in asked["ContainerOverrides"]["ResourceRequirements"]
        }
        assert wanted == {"VCPU": "4", "MEMORY": "7680", "GPU": "1"}
        assert asked["Timeout"] == {"AttemptDurationSeconds": 150}
        assert asked["RetryStrategy"]["Attempts"] == 2


def test_jobs_end_with_the_server(own_server: Server, tmp_path: Path) -> None:
    """kill -9: nothing gets to tidy up."""
    contract = TestBatch()
    dispatch_id = contract.dispatched(sleep, str(tmp_path))
    pids = processes(tmp_path)
    own_server.kill()
    first, *_ = pids
    assert contract.has_ended([first])
    own_server.start()
    result = ct.get_result(dispatch_id, wait=True)
    assert result.status == "FAILED"
    for pid in pids:  # one in a session of its own outlives a server that nobody has asked
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
