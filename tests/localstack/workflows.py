"""What is dispatched to the deployment; run as a script it prints one JSON document per workflow.

A process of its own, because configuration and credentials come from its environment.
"""

import json
import os
import random
import signal
import sys
import time
from typing import Any

import covalent as ct

ELECTRONS = 100
_choice = random.Random(7)
PARENTS = [
    [parent for parent in range(node) if _choice.random() < 0.03][:4] for node in range(ELECTRONS)
]
"""A graph with several gates: electrons whose parents are in different branches."""


@ct.electron
def combine(*values: int) -> int:
    return sum(values) + 1


@ct.lattice
def gated() -> list[int]:
    outputs: list[Any] = []
    for parents in PARENTS:
        outputs.append(combine(*(outputs[parent] for parent in parents)))
    return outputs


def expected() -> list[int]:
    """What `gated` must return."""
    outputs: list[int] = []
    for parents in PARENTS:
        outputs.append(sum(outputs[parent] for parent in parents) + 1)
    return outputs


_PACKAGES = ct.DepsPip(packages=["scikit-learn"])


@ct.electron(deps_pip=_PACKAGES)
def load(seed: int) -> Any:
    import numpy as np
    from sklearn.datasets import load_iris

    iris = load_iris()
    order = np.random.default_rng(seed).permutation(len(iris.target))
    return iris.data[order], iris.target[order]


@ct.electron(deps_pip=_PACKAGES)
def train(flowers: Any) -> Any:
    from sklearn.svm import SVC

    return SVC(gamma=0.7).fit(flowers[0][45:], flowers[1][45:])


@ct.electron(deps_pip=_PACKAGES)
def score(machine: Any, flowers: Any) -> float:
    return float(machine.score(flowers[0][:45], flowers[1][:45]))


@ct.lattice
def iris_svm(seed: int = 0) -> float:
    flowers = load(seed)
    return score(train(flowers), flowers)


@ct.electron
@ct.lattice
def doubled(depth: int) -> Any:
    """Two of itself, until it is deep enough."""
    return combine(doubled(depth - 1), doubled(depth - 1)) if depth else 0


@ct.lattice
def recursive() -> Any:
    return doubled(2)


_BATCH = ct.executor.AWSBatchExecutor(vcpu=1, memory=2)
_ECS = ct.executor.ECSExecutor(vcpu=0.25, memory=0.5)


@ct.electron(executor=_BATCH)
def in_a_job(numbers: list[int]) -> tuple[int, bool]:
    print("a job was here")
    return sum(numbers), "AWS_BATCH_JOB_ID" in os.environ


@ct.electron(executor=_ECS)
def in_a_task(found: tuple[int, bool]) -> list[Any]:
    return [*found, "AWS_LAMBDA_FUNCTION_NAME" in os.environ]


@ct.lattice
def contained() -> list[Any]:
    """A function, a job and a task, each with what the one before it has made."""
    return in_a_task(in_a_job(range_of(4)))


@ct.electron
def range_of(end: int) -> list[int]:
    return list(range(end))


@ct.electron(executor=_BATCH)
def refuse() -> None:
    raise ValueError("no, said the job")


@ct.lattice
def refused() -> None:
    refuse()


@ct.electron(executor=_ECS)
def perish() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@ct.lattice
def perished() -> None:
    perish()


LATTICES = {
    "gated": gated,
    "iris": iris_svm,
    "recursive": recursive,
    "contained": contained,
    "refused": refused,
    "perished": perished,
}


def report(lattice: Any) -> dict[str, Any]:
    """Dispatch, wait, and tell how it went."""
    began = time.monotonic()
    dispatch_id = ct.dispatch(lattice)()
    accepted = time.monotonic() - began
    result = ct.get_result(dispatch_id, wait=True)
    return {
        "dispatch_id": dispatch_id,
        "status": str(result.status),
        "error": result.error,
        "result": result.result,
        "accepted": accepted,
        "seconds": time.monotonic() - began,
    }


if __name__ == "__main__":
    print(json.dumps(report(LATTICES[sys.argv[1]])))
