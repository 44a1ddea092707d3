"""What can be said of the Terraform code without applying it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.terraform import readme
from tests.terraform.conftest import SOURCE
from tests.terraform.cycle import Cycle, Terraform

from covalent._version import __version__
from covalent_control_plane import telemetry
from covalent_runner import metrics

MEASURED = {**telemetry.METRICS, **metrics.METRICS}
"""What the control plane and the runner measure: dimensions beside `service` by metric."""
GRAMMAR = ("main.tf", "outputs.tf", "variables.tf", "versions.tf")


def test_format() -> None:
    Terraform(SOURCE)("fmt", "-check", "-recursive", "-diff")


@pytest.mark.parametrize("place", readme.PLACES)
def test_every_module_has_the_same_files(place: str) -> None:
    for name in (*GRAMMAR, "README.md"):
        assert (SOURCE / place / name).exists(), name


@pytest.mark.parametrize("example", ["minimal", "complete"])
def test_the_examples_are_valid(folder: Path, example: str) -> None:
    terraform = Terraform(folder / "examples" / example)
    terraform("init", "-no-color", "-backend=false")
    terraform("validate", "-no-color")


def test_the_root_is_valid(folder: Path) -> None:
    Terraform(folder)("validate", "-no-color")


@pytest.mark.parametrize("place", [".", "modules/policy", "modules/state", "modules/triggers"])
def test_terraform_test(folder: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    terraform = Terraform(folder / place)
    terraform("init", "-no-color", "-backend=false")
    said = terraform("test", "-no-color")
    with capsys.disabled():
        print(f"\nterraform test {place}: {said.strip().splitlines()[-1]}")


def test_the_dashboard_shows_all_that_is_measured() -> None:
    code = (SOURCE / "modules" / "observability" / "main.tf").read_text()
    assert [metric for metric in MEASURED if metric not in code] == []


def test_the_version_is_the_packages() -> None:
    assert f'version = "{__version__}"' in (SOURCE / "main.tf").read_text()


def test_checkov(folder: Path, scanners: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every skip is in place, beside what it is about, and says why."""
    report = _checkov(scanners, "--framework", "terraform", "--directory", str(folder))
    with capsys.disabled():
        print(f"\ncheckov, code: {_counts(report)}")
    assert _failed(report) == set()
    assert report["summary"]["passed"] > 50
    skipped = report["results"]["skipped_checks"]
    assert [each for each in skipped if not each["check_result"]["suppress_comment"]] == []


_EVENTS = ("answer[0]", "finish", "fire[0]", "restart", "sweep")
GENERATED = MappingProxyType(
    {
        "CKV_AWS_116": (("api",), "API Gateway calls and waits: the caller hears of a failure"),
        "CKV_AWS_117": (
            ("adopt", "api", *_EVENTS),
            "a VPC costs when idle; nothing private is called",
        ),
        "CKV_AWS_173": (
            ("adopt", "api", *_EVENTS),
            "names, nothing secret; kms_key_arn encrypts them",
        ),
        "CKV_AWS_272": (
            ("adopt", "api", *_EVENTS),
            "built from this source; source_code_hash holds the bytes",
        ),
    }
)
"""Findings in chalice.tf.json, which is generated and cannot hold comments: in which functions, and why they stay."""


def test_checkov_on_the_plan(
    cycles: Mapping[str, Cycle],
    folder: Path,
    scanners: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The plan has what the code alone does not tell: what Chalice made, and the values of variables."""
    plan = tmp_path / "plan.json"
    plan.write_text(cycles["complete"].plan)
    code = ("--repo-root-for-plan-enrichment", str(folder))
    report = _checkov(scanners, "--framework", "terraform_plan", "--file", str(plan), *code)
    with capsys.disabled():
        print(f"\ncheckov, plan: {_counts(report)}, all of them explained")
    explained = {
        (check, f"module.covalent.module.api.aws_lambda_function.{name}")
        for check, (functions, _) in GENERATED.items()
        for name in functions
    }
    assert _failed(report) == explained


def _checkov(scanners: Path, *what: str) -> dict[str, Any]:
    command = [str(scanners / "checkov"), *what, "--skip-download", "--compact", "--output", "json"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=_BARE, check=False
    )
    assert done.stdout.startswith("{"), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _failed(report: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]}


def _counts(report: Mapping[str, Any]) -> str:
    summary = report["summary"]
    return f"{summary['passed']} passed, {summary['failed']} failed, {summary['skipped']} skipped"


_BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}

MISTAKEN = MappingProxyType(
    {
        # It asks for all kinds of resources that the actions know. A machine's ARN is what these calls name.
        (
            "sweep",
            "states:ListExecutions",
        ): "it could name a map run too; sweep lists executions of machines",
        (
            "machine",
            "states:DescribeExecution",
        ): "it could name an express execution too; there are none",
        # AWS documents no resource for these, and takes the machine's ARN all the same: its own CDK
        # (grantTaskResponse) and SAM (StepFunctionsCallbackPolicy) write the policy so.
        (
            "finish",
            "states:DescribeExecution",
        ): "it could name an express execution too; there are none",
        ("builder", "states:SendTaskSuccess"): "limited to machines of this deployment",
        **{
            (role, f"states:SendTask{answer}"): "limited to machines of this deployment"
            for role in ("batch", "braket", "bridge", "ec2", "ecs")
            for answer in ("Failure", "Success")
        },
        **{
            (role, "states:SendTaskHeartbeat"): "limited to machines of this deployment"
            for role in ("braket", "ec2")
        },
        ("answer", "states:SendTaskFailure"): "limited to machines of this deployment",
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances
        ("machine", "ec2:RunInstances"): "two statements, because only what is made can have tags",
        ("machine", "ssm:GetParameters"): "AWS's public parameters belong to no account",
        ("electron", "states:SendTaskFailure"): "limited to machines of this deployment",
        ("electron", "states:SendTaskSuccess"): "limited to machines of this deployment",
    }
)
"""Findings of parliament, by role and action, that are none."""


ROLES = (
    "adopt", "answer", "api", "batch", "braket", "bridge", "builder", "ec2", "ecs", "electron", "finish", "fire",
    "launcher", "machine", "restart", "runner", "scheduler", "sweep", "ticker",
)  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_parliament(cycles: Mapping[str, Cycle], scanners: Path, role: str) -> None:
    """Every action exists, and goes with its resources and conditions."""
    policy = cycles["complete"].outputs["policies"][role]
    done = subprocess.run(
        [scanners / "parliament", "--json"],
        input=policy,
        capture_output=True,
        text=True,
        timeout=120,
        env=_BARE,
        check=False,
    )
    findings = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == bool(findings), done.stderr
    actions = {
        (role, detail["action"])
        for finding in findings
        for detail in finding["detail"]
        if finding["issue"] == "RESOURCE_MISMATCH"
    }
    assert {finding["issue"] for finding in findings} <= {"RESOURCE_MISMATCH"}
    assert actions == {key for key in MISTAKEN if key[0] == role}


def test_the_readme_shows_what_the_roles_may_do(cycles: Mapping[str, Cycle]) -> None:
    """The table is made of the same rows as the policies."""
    path = SOURCE / "README.md"
    rows = readme.roles(cycles["complete"].outputs["permissions"])
    expected = readme.replaced(path.read_text(), "roles", rows)
    if "REGENERATE" in os.environ:
        path.write_text(expected)
    assert path.read_text() == expected


@pytest.mark.parametrize("place", readme.PLACES)
def test_the_readmes_name_every_input_and_output(place: str) -> None:
    assert (SOURCE / place / "README.md").read_text() == readme.described(place)
