"""Time and an object of a bucket fire on LocalStack, in the deployment of the other tests.

LocalStack's EventBridge Scheduler keeps schedules and never calls their targets, so that time is what ticks here, and
of a cron expression only the schedule is looked at.
"""

import json
import sys
from collections.abc import Mapping

import pytest
from tests.localstack.conftest import WATCHED_BUCKET
from tests.localstack.deployment import PREFIX, run, timed

pytestmark = pytest.mark.localstack

SCRIPT = """
import json, os, sys
import boto3
import covalent as ct

@ct.electron
def told():
    return ct.get_context().event

def run(trigger, change):
    @ct.lattice(triggers=trigger)
    def flow():
        return told()

    dispatch_id = ct.dispatch(flow)()
    change()
    result = ct.get_result(dispatch_id, wait=True)
    ct.stop_triggers(dispatch_id)
    return {"status": str(result.status), "event": result.result}

def put():
    boto3.client("s3").put_object(Bucket=sys.argv[1], Key="in/cat.png", Body=b"meow")

time_trigger = ct.triggers.TimeTrigger(time_gap=5)
bucket_trigger = ct.triggers.DirTrigger(f"s3://{sys.argv[1]}/in", ["created"])
cron_trigger = ct.triggers.CronTrigger("0 9 * * *")
ct.dispatch(ct.lattice(triggers=cron_trigger)(lambda: told()))()
made = boto3.client("scheduler", os.environ["AWS_REGION"]).get_schedule(
    Name=cron_trigger.trigger_id, GroupName=f"{sys.argv[2]}-triggers"
)
ct.stop_triggers(cron_trigger.lattice_dispatch_id)
found = [run(time_trigger, lambda: None), run(bucket_trigger, put)]
print(json.dumps([*found, made["ScheduleExpression"]]))
"""


def test_a_schedule_and_an_object(client: Mapping[str, str]) -> None:
    with timed("triggers"):
        output = run(sys.executable, "-c", SCRIPT, WATCHED_BUCKET, PREFIX, environment=client)
    *found, schedule = json.loads(output.splitlines()[-1])
    assert [each["status"] for each in found] == ["COMPLETED", "COMPLETED"]
    by_time, by_object = (each["event"] for each in found)
    assert by_time["kind"] == "time"
    assert schedule == "cron(0 9 * * ? *)"
    assert by_object["detail"]["object"]["key"] == "in/cat.png"
