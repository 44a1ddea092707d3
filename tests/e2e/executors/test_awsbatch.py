from typing import Any

from tests.e2e.executors.contract import BehaviourContract

from covalent.executor import AWSBatchExecutor


class TestBatch(BehaviourContract):
    killed = "137"
    left = "exit code 7"

    def made(self, **settings: Any) -> Any:
        return AWSBatchExecutor(**settings)
