"""What holds for executors whose jobs the bridge submits to a cloud, beside what holds for all."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.unit.executors.contract import ExecutorContract

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import registry
from covalent_executors.bridged import BUSY
from covalent_executors.place import Place
from covalent_executors.task import JOB_ERRORS

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:cloud-AbCdEf"


class ElsewhereContract(ExecutorContract):
    """Inherit, and set besides: `literals`, an example with its secret written into the script."""

    literals: ClassVar[Mapping[str, Any]]
    place = Place({"3.11": "runner-311"}, bridge="covalent-bridge", reads_files=True)
    on_aws = Place({"3.11": "runner-311"}, bridge="covalent-bridge")
    bare: ClassVar[tuple[Place, str] | None] = (
        Place({"3.11": "runner-311"}, reads_files=True),
        "bridge",
    )

    @pytest.fixture(autouse=True)
    def _own_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))

    def time_limit_of(self, state: Mapping[str, Any]) -> float:
        """The bridge measures it, from the sheet."""
        return 7.5

    def test_retries_reach_the_state_and_the_sheet(self) -> None:
        """The bridge counts them: the state's own are for its nested execution's start."""
        assert self._sheet(retries=4).retries == 4
        for retry in self.state(**{**self.example, "retries": 4})["Retry"]:
            assert not {*retry["ErrorEquals"]} & {*JOB_ERRORS}

    def test_its_jobs_are_the_bridge_s(self) -> None:
        task = self.task(**self.example)
        assert task.ends_itself
        assert task.failures == ()
        assert task.parameters["Input"]["executor"] == self.name  # type: ignore[index,call-overload]  # of a mapping
        assert BUSY == "Busy"

    def test_no_secret_travels(self, secret: str) -> None:
        attributes = self.attributes(**self.literals)
        literal = self.literals[secret]
        assert literal not in json.dumps(attributes)
        assert literal not in repr(self.executor(**self.literals))
        kept = Path(attributes[secret])
        assert kept.read_text() == literal
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    def test_a_secret_is_shown_as_it_was_given(self, secret: str) -> None:
        assert getattr(self.executor(**self.literals), secret) == self.literals[secret]

    def test_on_aws_a_secret_must_be_an_arn(self, secret: str) -> None:
        attributes = self.attributes(**self.literals)
        with pytest.raises(
            InvalidWorkflow, match=f"{self.name}.*{secret}.*`covalent secret put`.*ARN"
        ):
            registry.task(self.name, attributes, self.on_aws, "3.11")
        registry.task(self.name, attributes, self.place, "3.11")
