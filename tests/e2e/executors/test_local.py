from typing import Any

from tests.e2e.executors.contract import BehaviourContract

from covalent.executor import LocalExecutor


class TestLocal(BehaviourContract):
    left = "exit status 7"

    def made(self, **settings: Any) -> Any:
        return LocalExecutor(**settings)
