"""A canary for every repair of moto: it fails when a new moto makes the repair unnecessary.

What the stock moto does is asked in one process (`stock_moto.py`). When a test fails here after an update of moto,
look at the defect: if it is gone, drop the repair, its line in the module's docstring and its line here.
"""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import covalent_localstack

CANARIES: dict[tuple[str, str], dict[str, Any]] = {
    # What a module's docstring says of a defect -> what the functions of stock_moto.py see.
    ("patching", "keeps every item, key and execution that was ever made"): {
        "keeps_every_instance": True
    },
    ("patching", "inspects the handler's class for every request"): {
        "inspects_the_handler_for_every_request": True
    },
    ("patching", "a request id costs 52 calls of `random.choice`"): {
        "draws_a_request_id_letter_by_letter": True
    },
    ("http_server", "closes every connection after one answer"): {"closes_every_connection": True},
    ("lambdas", "without Docker a function never runs"): {
        "never_runs_a_function": "Simple Lambda happy path OK"
    },
    ("dynamodb", "requests of several threads interleave"): {"lets_requests_interleave": 2},
    ("dynamodb", "TransactWriteItems copies whole tables and rolls back other writers' work"): {
        "copies_tables_for_a_transaction": True,
        "rolls_back_the_work_of_others": True,
    },
    ("dynamodb", "Query looks at every item of the table"): {"looks_at_every_item_for_a_query": 5},
    ("updates", "every UpdateItem parses its expression anew, twice"): {
        "parses_an_update_every_time": True
    },
    ("s3", "a PUT whose body does not match its `x-amz-checksum-sha256` is accepted"): {
        "accepts_a_wrong_body": 200
    },
    ("s3", "an object is held in memory three times while it is written"): {
        "holds_an_object_in_memory_several_times": True
    },
    ("s3", "a presigned address is good for any key, method and checksum"): {
        "honours_a_presigned_address_for_other_keys": 200
    },
    ("events", "PutEvents answers 500 when a rule that matches has a Lambda"): {
        "cannot_reach_a_function_from_a_rule": "NotImplementedError"
    },
    ("events", "the time of an event is a number"): {"tells_the_time_as_a_number": True},
    ("scheduler", "no schedule ever calls its target"): {"never_calls_what_is_scheduled": 0},
    ("s3_events", "every event of S3 has the same id and the same sequencer"): {
        "names_all_changes_alike": 1
    },
    ("s3_events", "every PutObject also tells of tags that were added"): {
        "tells_of_tags_that_nobody_added": True
    },
    ("s3_events", "GetBucketNotificationConfiguration is silent about EventBridge"): {
        "is_silent_about_event_bridge": True
    },
    ("waits", "a Wait until a time takes it for the machine's local time"): {
        "ends_a_wait_early": True
    },
    ("waits", "what stops a Wait may come in a moment when it does not listen"): {
        "waits_on_although_it_was_stopped": True
    },
    ("events", "executions change status without an event"): {"tells_nobody_of_an_execution": 0},
    ("asl", "CreateStateMachine and every StartExecution parse with ANTLR"): {
        "parses_a_definition_again_for_every_execution": True
    },
    ("asl", "a component is written out with all that is in it"): {"writes_components_out": True},
    ("evaluation", "a task costs a thread and a branch two"): {
        "threads_of_two_tasks_more": 2,
        "threads_of_two_branches_more": 4,
    },
    ("evaluation", "every thread is kept for ever"): {"keeps_its_threads": True},
    ("evaluation", "a task that timed out runs on"): {"lets_a_timed_out_task_run_on": True},
    ("evaluation", "`lambda:invoke` makes a boto3 client and an HTTP request"): {
        "makes_a_client_for_every_task": True
    },
    ("evaluation", "a `States.*` error inside a Parallel fails the execution"): {
        "loses_errors_of_aws_inside_a_parallel": "FAILED"
    },
    ("evaluation", "`$.a[0].b` gives a list"): {"reads_a_path_behind_an_index_as_a_list": ["x"]},
    ("evaluation", "a retried `.waitForTaskToken` sees the outcome of its first try"): {
        "gives_a_retry_the_token_of_the_first_try": True
    },
    ("evaluation", "every ResultPath is parsed whenever it is used"): {
        "parses_a_result_path_every_time": True
    },
    ("evaluation", "each failure writes the whole definition to the log"): {
        "logs_the_definition_with_every_failure": True
    },
    ("executions", "StopExecution waits for running tasks, never ends token waits, drops error"): {
        "stops_without_stopping": {"status": "RUNNING", "told": False}
    },
    ("executions", "executions without a name are all called `None`"): {
        "calls_an_unnamed_execution_none": "None"
    },
    ("executions", "SendTaskFailure drops the cause; a token is looked for in every execution"): {
        "drops_the_cause_of_a_failure": True,
        "looks_for_a_token_in_every_execution": True,
    },
    ("executions", "SendTaskHeartbeat fails for a task without HeartbeatSeconds"): {
        "refuses_a_heartbeat": "InvalidToken"
    },
    ("executions", "GetExecutionHistory ignores paging and reverseOrder"): {
        "ignores_paging_of_a_history": {"events": 4, "first": "ExecutionStarted"}
    },
    ("executions", "DescribeExecution tells of an end before there is an output"): {
        "tells_of_an_end_before_there_is_an_output": ["SUCCEEDED", "null"]
    },
    ("executions", "DescribeExecution of a TIMED_OUT execution has no stopDate; an output that"): {
        "forgets_when_an_execution_timed_out": True,
        "gives_a_text_as_it_is": "text",
    },
    ("stopping", "what waits for a task token waits on when its branch"): {
        "waits_on_for_a_token_of_a_stopped_branch": True
    },
    ("stopping", "an execution that is stopped as it starts runs nevertheless"): {
        "runs_what_was_stopped_as_it_started": "SUCCEEDED"
    },
    ("nested", "`states:startExecution` makes HTTP requests"): {
        "asks_over_http_for_nested_executions": True,
        "seconds_between_two_looks": 0.5,
    },
    ("nested", "a child goes on when its parent was stopped or its task has timed out"): {
        "leaves_a_nested_execution_running": True
    },
    ("nested", "two requests with one name may both start an execution"): {
        "starts_two_executions_of_one_name": 2
    },
    ("maps", "an inline Map without MaxConcurrency runs all its iterations at once"): {
        "runs_every_iteration_at_once": 20,
        "copies_the_input_for_every_iteration": True,
    },
    ("map_runs", "ItemBatcher is refused"): {"refuses_batches": True},
    ("map_runs", "failed items become null and the Map succeeds"): {
        "hides_failed_items": {"status": "SUCCEEDED", "output": "[null]"}
    },
    ("map_runs", "all items run at once, as part of the parent"): {
        "runs_every_item_at_once": 20,
        "takes_items_for_the_parent": True,
    },
    ("map_runs", "DescribeMapRun asks every execution"): {
        "looks_for_a_map_run_in_every_execution": True
    },
    ("batch", "a job runs in a container of Docker, and fails where there is none"): {
        "fails_a_job_without_docker": "FAILED"
    },
    ("batch", "DescribeJobs tells no exit code"): {"tells_no_exit_code": True},
    ("batch", "SubmitJob wants a queue and a definition that someone has made"): {
        "wants_a_queue_that_was_made": "ClientException"
    },
    ("batch", "CreateComputeEnvironment wants a role to be named"): {
        "wants_a_role_for_batch": "ClientException"
    },
    ("batch", "SubmitJob forgets the RetryStrategy"): {"forgets_the_retry_strategy": True},
    ("batch", "an array whose jobs have ended, and not all well, has not ended itself"): {
        "never_ends_an_array": "SUBMITTED"
    },
    ("batch", "an array that is terminated leaves its jobs running"): {
        "leaves_the_jobs_of_an_array_running": [False, False]
    },
    ("batch", "the jobs of an array are listed beside it in their queue"): {
        "lists_the_jobs_of_an_array_beside_it": 3
    },
    ("ecs", "a task runs nothing, and comes nearer to its end whenever it is looked at"): {
        "ends_a_task_by_looking_at_it": "DEACTIVATING"
    },
    ("ecs", "RunTask wants a cluster, a definition and a subnet that someone has made"): {
        "wants_a_cluster_that_was_made": "ClusterNotFoundException"
    },
    ("ecs", "RunTask wants each container to have memory of its own"): {
        "wants_memory_of_each_container": True
    },
    ("jobs", "`.sync` asks again and again whether the job has ended"): {
        "seconds_between_two_looks": 0.5
    },
    ("jobs", "a job runs on when its state has timed out or its execution was stopped"): {
        "leaves_a_job_running": True
    },
    ("jobs", "a task of ECS that failed is taken for one that succeeded"): {
        "takes_a_failed_task_for_a_good_one": "SUCCEEDED"
    },
    ("jobs", "what ECS refuses is told as `States.Runtime`"): {
        "hides_what_ecs_refuses": "States.Runtime"
    },
    ("ec2", "an instance runs nothing"): {"runs_no_user_data": True},
    ("ec2", "a repeated ClientToken starts another instance"): {"starts_an_instance_twice": 2},
    ("ec2", "errors of EC2 and Braket are spelt `ec2.ec2Exception` in a definition"): {
        "misspells_an_error_of_ec2": "ec2.ec2Exception"
    },
    ("service_integrations", "parameters and answers keep boto's letter case"): {
        "fails_to_start_nested_executions": "FAILED"
    },
    ("service_integrations", "every task makes a new boto3 client"): {
        "makes_a_client_for_every_task": True
    },
    ("service_integrations", "`.sync` asks twice a second"): {"seconds_between_two_looks": 0.5},
}

_DEFECT = re.compile(r"^- (.+?) -> ", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("stock_moto.py")],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path_factory.mktemp("stock"),
        check=False,
    )
    assert done.stdout, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize(
    ("name", "seen"),
    [(name, seen) for looks in CANARIES.values() for name, seen in looks.items()],
)
def test_moto_still_needs_the_repair(stock: dict[str, Any], name: str, seen: Any) -> None:
    assert stock[name] == seen


def test_every_look_at_moto_belongs_to_a_repair(stock: dict[str, Any]) -> None:
    assert set(stock) == {name for looks in CANARIES.values() for name in looks}


def defects() -> set[tuple[str, str]]:
    """What the docstrings of the package say that is repaired, as `- defect -> repair`."""
    folder = Path(covalent_localstack.__file__).parent
    found = set()
    for path in folder.glob("[a-z]*.py"):
        module = import_module(f"covalent_localstack.{path.stem}")
        for defect in _DEFECT.findall(module.__doc__ or ""):
            found.add((path.stem, " ".join(defect.split())))
    return found


def test_every_defect_that_a_docstring_names_has_a_canary() -> None:
    named = defects()
    for module, defect in named:
        assert any(m == module and defect.startswith(d) for m, d in CANARIES), (module, defect)
    for module, beginning in CANARIES:
        assert any(m == module and d.startswith(beginning) for m, d in named), (module, beginning)
