import base64
import re
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.executors.contract import ExecutorContract

from covalent.executor import EC2Executor
from covalent_executors.ec2.place import Ec2Place
from covalent_executors.ec2.script import script
from covalent_executors.ec2.spec import Ec2Spec
from covalent_executors.place import Place
from covalent_executors.task import CALLBACK_ERRORS, Script
from covalent_step_functions.arguments import Electrons, _script

RUNNERS = {"3.11": "runner-311"}
HERE = Ec2Place(
    profile="covalent-ec2",
    images={"x86_64": "ami-0123456789abcdef0", "arm64": "resolve:ssm:/aws/service/al2023-arm64"},
    subnet="subnet-0a",
    vpc="vpc-0a",
    security_groups=("sg-0a",),
    program="s3://data/programs/image-py{python}-{architecture}.zip",
    environment={"COVALENT_TABLE": "covalent", "COVALENT_BUCKET": "data"},
)


class TestEC2(ExecutorContract):
    executor = EC2Executor
    defaults: ClassVar = {
        "profile": "default",
        "region": "us-east-1",
        "credentials_file": "~/.aws/credentials",
        "ssh_key_file": "~/.ssh/id_rsa",
        "instance_type": "t2.micro",
        "key_name": "id_rsa",
        "volume_size": 8,
        "vpc": "",
        "subnet": "",
        "remote_cache": "~/.cache/covalent",
    }
    example: ClassVar = {
        "instance_type": "t2.micro",
        "volume_size": 8,
        "ssh_key_file": "~/.ssh/ec2_key",
    }
    misspelt: ClassVar = {"instance": "instance_type", "volumesize": "volume_size"}
    refused: ClassVar = [
        ({"volume_size": 7}, "8"),
        ({"volume_size": 65_537}, "65536"),
        ({"volume_size": "large"}, "integer"),
        ({"instance_type": "big"}, "pattern"),
        ({"vpc": "my network"}, "pattern"),
        ({"subnet": "sn-1"}, "pattern"),
        ({"vpc": "vpc-0b"}, "name a subnet"),
    ]
    place = Place(RUNNERS, prefix="lab-", ec2=HERE)
    bare = (Place(RUNNERS), "variable `ec2`")
    secrets: ClassVar = ("profile", "credentials_file", "remote_cache")
    failures = CALLBACK_ERRORS

    def test_the_time_limit_reaches_the_state_and_the_sheet(self) -> None:
        """The runner holds the electron to it; the state leaves the machine time to start."""
        state = self.state(**self.example, time_limit=7.5)
        assert state["TimeoutSeconds"] == 8 + 2 * HERE.heartbeat
        assert state["HeartbeatSeconds"] < state["TimeoutSeconds"]
        assert self._sheet(time_limit=7.5).time_limit == 7.5
        assert "COVALENT_TIME_LIMIT=7.5" in self.user_data(time_limit=7.5)

    def user_data(self, **settings: Any) -> str:
        """The script of an instance, without its last line."""
        intrinsic = self.state(**settings)["Parameters"]["UserData.$"]
        found = re.match(r"States\.Format\('([^{]+)\{\}',States\.Base64Encode\(", intrinsic)
        assert found
        return base64.b64decode(found[1], validate=True).decode()

    def parameters(self, **settings: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.state(**settings)["Parameters"]
        return found

    def test_a_repeated_call_is_the_same_instance(self) -> None:
        longest = f"{'x' * 36}-{99999}-{1300}"
        assert len(longest) <= 64, "as EC2 has it"
        token = self.parameters()["ClientToken.$"]
        assert token == "States.Format('{}-{}-{}',$.dispatch_id,0,$$.State.RetryCount)"

    def test_an_instance_ends_itself_and_can_be_found(self) -> None:
        found = self.parameters()
        assert found["InstanceInitiatedShutdownBehavior"] == "terminate"
        for kind, tags in (
            (each["ResourceType"], each["Tags"]) for each in found["TagSpecifications"]
        ):
            assert kind in ("instance", "volume")
            assert {"Key": "covalent:deployment", "Value": "lab"} in tags

    def test_the_network_is_that_of_the_deployment(self) -> None:
        found = self.parameters()
        assert (found["SubnetId"], found["SecurityGroupIds"]) == ("subnet-0a", ["sg-0a"])

    def test_a_network_of_the_users_has_its_own_security_groups(self) -> None:
        found = self.parameters(vpc="vpc-0b", subnet="subnet-0b")
        assert found["SubnetId"] == "subnet-0b"
        assert "SecurityGroupIds" not in found

    def test_a_key_pair_is_asked_for_only_if_the_user_names_one(self) -> None:
        assert "KeyName" not in self.parameters()
        assert self.parameters(ssh_key_file="~/.ssh/ec2_key.pem")["KeyName"] == "ec2_key"
        assert self.parameters(key_name="mine")["KeyName"] == "mine"

    def test_an_architecture_without_image_is_refused(self) -> None:
        from covalent_contracts.errors import InvalidWorkflow
        from covalent_executors import registry

        place = Place(RUNNERS, ec2=Ec2Place("p", {"x86_64": "ami-1"}))
        with pytest.raises(InvalidWorkflow, match=r"m7g\.large.*arm64.*x86_64 only"):
            registry.task("ec2", {"instance_type": "m7g.large"}, place, "3.11")

    def test_the_instance_gets_the_runner_of_its_kind(self) -> None:
        told = self.user_data(instance_type="c7g.large")
        assert "s3://data/programs/image-py311-arm64.zip" in told
        assert "export COVALENT_TABLE=covalent" in told


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        *((each, "arm64") for each in ("a1.large", "t4g.nano", "c6gn.large", "im4gn.large")),
        *((each, "x86_64") for each in ("t2.micro", "g4dn.xlarge", "u-6tb1.metal", "trn1.2xlarge")),
    ],
)
def test_architectures(name: str, architecture: str) -> None:
    assert Ec2Spec(instance_type=name).architecture == architecture


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])), st.text("ab 1-"))
def test_words_stand_in_the_last_line_of_any_script(text: str, words: str) -> None:
    intrinsic = _script(Script(text), Electrons(1))
    head = intrinsic.removeprefix("States.Format('").partition("{}'")[0]
    tail = base64.b64encode(words.encode()).decode()
    whole = base64.b64decode(head + tail, validate=True).decode()
    assert whole.startswith(text)
    assert whole.rpartition("\n")[2] == words


def test_the_script_runs_the_electron_of_its_last_line_and_shuts_down(tmp_path: Path) -> None:
    for name, body in {
        "shutdown": f'echo "$@" > {tmp_path}/shutdown',
        "python3.11": f"env > {tmp_path}/environment",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    text = script("3.11", "", {"COVALENT_TABLE": "it's $HOME"})
    (tmp_path / "user-data").write_text(text + "dispatch 3 0 to/ken==")
    done = subprocess.run(
        ["bash", str(tmp_path / "user-data")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "INSTANCE_ID": "i-0a"},
        check=False,
    )
    found = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
    assert done.returncode == 0
    assert (tmp_path / "shutdown").read_text() == "-h now\n"
    assert found["COVALENT_ELECTRON"] == "dispatch 3 0 to/ken=="
    assert found["COVALENT_TABLE"] == "it's $HOME"
    assert found["COVALENT_JOB_HANDLE"] == '{"executor": "ec2", "instance": "i-0a"}'


def test_an_instance_that_cannot_get_the_runner_shuts_down(tmp_path: Path) -> None:
    for name, body in {
        "shutdown": f"touch {tmp_path}/down",
        "dnf": "exit 1",
        "python9.9": "exit 1",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "user-data").write_text(script("9.8", "s3://b/p.zip", {}) + "words")
    subprocess.run(
        ["bash", str(tmp_path / "user-data")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=False,
    )
    assert (tmp_path / "down").exists()
