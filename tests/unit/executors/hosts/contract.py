"""What holds for executors on hosts, besides what holds for every executor."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from tests.unit.executors.contract import PYTHON, ExecutorContract

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors import registry
from covalent_executors.place import Place

OFFLINE = Place({"3.11": "runner-311"}, bridge="bridge", reads_files=True)
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:covalent/key-AbCdEf"
LINES = "login.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample"


class HostContract(ExecutorContract):
    """Inherit, and set what `ExecutorContract` asks for."""

    place = OFFLINE
    bare = (Place({"3.11": "runner-311"}, reads_files=True), "bridge = true")
    on_aws: ClassVar[Mapping[str, Any]] = {"ssh_key_file": ARN, "known_hosts": LINES}

    def on(self, **settings: Any) -> Any:
        """What a deployment on AWS makes of it."""
        place = replace(OFFLINE, reads_files=False)
        attributes = self.attributes(**{**self.on_aws, **settings})
        return registry.task(self.name, attributes, place, PYTHON)

    def test_on_aws_keys_are_secrets(self) -> None:
        assert self.on() == self.task(**self.on_aws)

    @pytest.mark.parametrize("key_file", ["ssh_key_file", "cert_file"])
    def test_on_aws_a_file_is_refused_with_the_cure(self, key_file: str) -> None:
        told = rf"{self.name}.*{key_file}.*covalent secret put NAME --file ~/key"
        with pytest.raises(InvalidWorkflow, match=told):
            self.on(**{key_file: "~/key"})

    @pytest.mark.parametrize("given", ["", "~/.ssh/known_hosts"])
    def test_on_aws_the_key_of_the_host_must_be_given(self, given: str) -> None:
        with pytest.raises(InvalidWorkflow, match=r"known_hosts: .*ssh-keyscan"):
            self.on(known_hosts=given)

    def test_retries_reach_the_state_and_the_sheet(self) -> None:
        """The bridge counts the tries itself."""
        assert self._sheet(retries=4).retries == 4

    def test_the_time_limit_reaches_the_state_and_the_sheet(self) -> None:
        """The bridge itself knows how long a job has run, without its time in a queue."""
        assert "TimeoutSeconds" not in self.state(**{**self.example, "time_limit": 7.5})
        assert self._sheet(time_limit=7.5).time_limit == 7.5

    async def _by_hand(self) -> None:
        await self.made().run(len, [()], {}, {})

    def test_it_cannot_be_run_by_hand(self) -> None:
        import asyncio

        with pytest.raises(RuntimeError, match=r"'len' cannot be run by hand.*covalent\.dispatch"):
            asyncio.run(self._by_hand())
