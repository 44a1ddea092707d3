"""AWS Batch: jobs really run, and whatever queue or definition is named is there.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- a job runs in a container of Docker, and fails where there is none -> a process of this machine
- DescribeJobs tells no exit code -> tells it, with the reason
- SubmitJob wants a queue and a definition that someone has made -> makes them
- CreateComputeEnvironment wants a role to be named -> takes the one that an account has for Batch
- an array whose jobs have ended, and not all well, has not ended itself -> does, FAILED
- an array that is terminated leaves its jobs running -> ends them
- the jobs of an array are listed beside it in their queue -> only when the array is asked for
- SubmitJob forgets the RetryStrategy -> a job that fails has as many attempts
"""

import datetime
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any

from moto.batch.models import BatchBackend, Job, JobQueue, batch_backends
from moto.batch.responses import BatchResponse
from moto.batch.utils import JobStatus

from covalent_localstack import programs, threads
from covalent_localstack.patching import replace
from covalent_localstack.programs import Exit, Program

LOG_GROUP = "COVALENT_LOG_GROUP"
"""The variable of a container with the log group that its user has named."""
_ENDED_BY_ITSELF = "Essential container in task exited"
_SERVICE = "batch.amazonaws.com"
_stock_create = BatchBackend.create_compute_environment
_stock_submit = BatchBackend.submit_job
_stock_terminate = Job.terminate
_stock_details = Job._container_details
_stock_answer = BatchResponse.submitjob
_making = threading.Lock()
_strategy: ContextVar[Mapping[str, Any]] = ContextVar("the RetryStrategy of the request")


def find(account: str, region: str, job_id: str) -> Any:
    """A job."""
    return batch_backends[account][region].get_job_by_id(job_id)


def wait(job: Any, limit: float | None) -> bool:
    """Wait until a job has ended, and if it is an array, all jobs in it; False after `limit` seconds."""
    return _ended(job).wait(limit)


def terminate(job: Any, reason: str) -> None:
    """End a job, and if it is an array, all jobs in it."""
    job.terminate(reason)


def _container(job: Any) -> Program:
    found: Program = job.__dict__.setdefault("container", Program())
    return found


def _ended(job: Any) -> threading.Event:
    found: threading.Event = job.__dict__.setdefault("ended", threading.Event())
    return found


def _variables(job: Any) -> Mapping[str, str]:
    """The environment of a job, read once: each time moto is asked for it, it adds to it."""
    if "variables" not in job.__dict__:
        told = job._get_container_property("environment", [])
        job.variables = {each["name"]: each["value"] for each in told}
    found: Mapping[str, str] = job.variables
    return found


def _answer(self: Any) -> Any:
    before = _strategy.set(self._get_param("retryStrategy") or {})
    try:
        return _stock_answer(self)
    finally:
        _strategy.reset(before)


def _start(self: Any) -> None:
    self.retry_strategy = _strategy.get({})
    threads.start(self.run, "batch-job")


def _run(self: Any) -> None:
    try:
        if not self.depends_on or self._wait_for_dependencies():
            _run_attempts(self)
    except Exception as exc:  # noqa: BLE001  # whatever it is, the job must end
        self.job_stopped_reason = repr(exc)
        self._mark_stopped(success=False)
    finally:
        _ended(self).set()


def _run_attempts(job: Any) -> None:
    command = job._add_parameters_to_command(job._get_container_property("command", []))
    attempts = int(job.retry_strategy.get("attempts") or 1)
    for attempt in range(1, attempts + 1):
        gone = _run_container(job, command, attempt)
        _end_attempt(job, gone)
        if attempt == attempts or not _is_tried_again(job, gone):
            break
        job.container = Program()  # and then look: who terminates a job says so first
        if job.stop:
            break
    job._mark_stopped(success=gone.code == 0 and not gone.reason and not job.stop)


def _run_container(job: Any, command: Any, attempt: int) -> Exit:
    job.status = JobStatus.RUNNABLE
    return programs.current().run(
        _container(job),
        command,
        {**_variables(job), **_number(job), "AWS_BATCH_JOB_ATTEMPT": str(attempt)},
        begun=lambda: _begin(job),
        limit=job._get_attempt_duration() or 0,
    )


def _number(job: Any) -> Mapping[str, str]:
    """Which of an array it is; a job by itself is told none."""
    own = job.array_properties.get("index")
    return {} if own is None else {"AWS_BATCH_JOB_ARRAY_INDEX": str(own)}


def _is_tried_again(job: Any, gone: Exit) -> bool:
    """What the first rule that fits says. Nothing is tried again that was ended from outside, or took too long.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """
    if gone.code == 0 or gone.reason or job.stop:
        return False
    told = {"onExitCode": str(gone.code), "onReason": "", "onStatusReason": _ENDED_BY_ITSELF}
    for rule in job.retry_strategy.get("evaluateOnExit") or ():
        if all(fnmatchcase(told[name], rule[name]) for name in told if name in rule):
            return bool(rule["action"].upper() == "RETRY")
    return True


def _begin(job: Any) -> None:
    job.job_started_at = datetime.datetime.now()
    logged = log_group(job._get_container_property("logConfiguration", {})) or job._log_group
    job._log_group = _variables(job).get(LOG_GROUP, logged)
    job.log_stream_name = job._stream_name
    job._start_attempt()
    job.status = JobStatus.RUNNING


def _end_attempt(job: Any, gone: Exit) -> None:
    if job.log_stream_name:
        write_log(job._log_backend, job._log_group, job.log_stream_name, gone.output)
        job.exit_code = gone.code
        job.latest_attempt["container"]["exitCode"] = gone.code
    reason = gone.reason or _ENDED_BY_ITSELF
    if job.latest_attempt:
        job.latest_attempt["statusReason"] = reason
    job.job_stopped_reason = reason


def log_group(configuration: Mapping[str, Any]) -> str:
    """The log group that the definition of a container names; "" if it names none."""
    return str(configuration.get("options", {}).get("awslogs-group", ""))


def write_log(logs: Any, group: str, stream: str, output: str) -> None:
    """Write what a container has put out into a log group, made if there is none."""
    logs.ensure_log_group(group)
    logs.ensure_log_stream(group, stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in output.splitlines()]
    if events:
        logs.put_log_events(group, stream, events)


def _terminate(self: Any, reason: str) -> None:
    if self.job_stopped:
        return
    _stock_terminate(self, reason)
    for each in self._child_jobs or ():
        each.terminate(reason)
    programs.current().end(_container(self), reason)


def _details(self: Any) -> dict[str, Any]:
    told = dict(_variables(self))
    found: dict[str, Any] = {**_stock_details(self), "environment": _pairs(told)}
    if self.job_stopped and self.exit_code is not None:
        found["exitCode"] = self.exit_code
    return found


def _pairs(variables: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _create_environment(self: Any, *, service_role: str, **rest: Any) -> Any:
    return _stock_create(self, service_role=service_role or _service_role(self.iam_backend), **rest)


def _service_role(iam: Any) -> str:
    """The role that Batch has in every account, made when it is first needed."""
    with _making:
        found = [
            each.arn for each in iam.get_roles() if each.path == f"/aws-service-role/{_SERVICE}/"
        ]
        return str(found[0] if found else iam.create_service_linked_role(_SERVICE, "", "").arn)


def _submit_anywhere(
    self: Any, job_name: str, job_def_id: str, job_queue: str, *args: Any, **rest: Any
) -> Any:
    with _making:
        if self.get_job_queue(job_queue) is None:
            _make_queue(self, job_queue.rpartition("/")[2])
        if self.get_job_definition(job_def_id) is None:
            _make_definition(self, job_def_id.rpartition("/")[2].partition(":")[0])
    return _submit(self, job_name, job_def_id, job_queue, *args, **rest)


def _submit(self: Any, *args: Any, **rest: Any) -> Any:
    submitted = _stock_submit(self, *args, **rest)
    job = self.get_job_by_id(submitted[1])
    if job._child_jobs:
        _watch(job)
    return submitted


def _watch(array: Any) -> None:
    """An array ends with the last of its jobs. A queue lists it, and it lists them."""
    for each in array._child_jobs:
        array.job_queue.jobs.remove(each)
    array.status = JobStatus.PENDING
    threads.start(lambda: _follow(array), "batch-array")


def _follow(array: Any) -> None:
    for each in array._child_jobs:
        _ended(each).wait()
    array._mark_stopped(success=all(_has_succeeded(each) for each in array._child_jobs))
    _ended(array).set()


def _has_succeeded(job: Any) -> bool:
    return bool(job.status == JobStatus.SUCCEEDED)


def _make_queue(backend: Any, name: str) -> None:
    made = JobQueue(name, "1", "ENABLED", [], [], None, backend)
    backend._job_queues[made.arn] = made


def _make_definition(backend: Any, name: str) -> None:
    backend.register_job_definition(
        def_name=name,
        parameters={},
        _type="container",
        tags={},
        retry_strategy={},
        container_properties={"image": "here", "vcpus": 1, "memory": 2048},
        node_properties=None,
        eks_properties=None,
        timeout={},
        platform_capabilities=["EC2"],
        propagate_tags=False,
    )


def install(*, makes_missing: bool = True) -> None:
    """Repair moto.

    Args:
        makes_missing: queues and definitions that nobody has made are made when they are named, and not refused.

    """
    replace(Job, "start", _start)
    replace(Job, "run", _run)
    replace(Job, "terminate", _terminate)
    replace(Job, "_container_details", _details)
    replace(BatchBackend, "create_compute_environment", _create_environment)
    replace(BatchBackend, "submit_job", _submit_anywhere if makes_missing else _submit)
    replace(BatchResponse, "submitjob", _answer)
