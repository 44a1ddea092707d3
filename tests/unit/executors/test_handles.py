from typing import Any

import pytest

from covalent_executors.handles import Call, cancel


@pytest.mark.parametrize(
    ("handle", "call"),
    [
        (
            {"executor": "ec2", "instance": "i-0a"},
            Call("ec2", "terminate_instances", {"InstanceIds": ["i-0a"]}),
        ),
        (
            {"executor": "braket", "job": "arn:aws:braket:us-east-1:1:job/x"},
            Call("braket", "cancel_job", {"jobArn": "arn:aws:braket:us-east-1:1:job/x"}),
        ),
        ({"executor": "braket", "job": "a-name"}, None),
        ({"executor": "ec2", "instance": "*"}, None),
        ({"executor": "slurm", "job": 7}, None),
        ("a user's own", None),
        (None, None),
    ],
)
def test_what_ends_a_job(handle: Any, call: Call | None) -> None:
    assert cancel(handle) == call
