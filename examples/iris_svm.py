"""Train a support vector machine on Fisher's iris data: three electrons, each run by its own Step Functions state.

covalent start
python examples/iris_svm.py            # prints the score
python examples/iris_svm.py --report   # and what ran, as Step Functions recorded it
"""

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import httpx
import numpy as np
from botocore.config import Config
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_iris
from sklearn.svm import SVC

import covalent as ct


class Split(NamedTuple):
    """Flowers to learn from and flowers to be judged by."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


@ct.electron
def load(share: float, seed: int) -> Split:
    """Shuffle the flowers and keep `share` of them back."""
    iris = load_iris()
    order = np.random.default_rng(seed).permutation(len(iris.target))
    x, y = iris.data[order], iris.target[order]
    kept = int(len(order) * share)
    return Split(x[kept:], y[kept:], x[:kept], y[:kept])


@ct.electron
def train(flowers: Split, c: float, gamma: float) -> SVC:
    """Fit the machine."""
    return SVC(C=c, gamma=gamma).fit(flowers.train_x, flowers.train_y)


@ct.electron
def score(machine: SVC, flowers: Split) -> float:
    """The share of unseen flowers whose species the machine knows."""
    return float(machine.score(flowers.test_x, flowers.test_y))


@ct.lattice
def iris_svm(c: float = 1.0, gamma: float = 0.7, share: float = 0.3, seed: int = 0) -> float:
    """Load, train, score."""
    flowers = load(share, seed)
    machine = train(flowers, c, gamma)
    return score(machine, flowers)


def main() -> None:
    """Dispatch the workflow, wait for it and print the score."""
    parser = argparse.ArgumentParser(description="Train a support vector machine on iris data.")
    parser.add_argument("-c", type=float, default=1.0, help="regularisation (default 1.0)")
    parser.add_argument("-g", "--gamma", type=float, default=0.7, help="kernel width (default 0.7)")
    parser.add_argument("--report", action="store_true", help="show what ran")
    arguments = parser.parse_args()

    dispatch_id = ct.dispatch(iris_svm)(c=arguments.c, gamma=arguments.gamma)
    result = ct.get_result(dispatch_id, wait=True)
    if result.error:
        raise SystemExit(result.error)
    print(f"dispatch {dispatch_id}: {result.status}")
    print(f"score    {result.result:.4f}")
    if arguments.report:
        report(result)


def report(result: Any) -> None:
    """Show each electron's times and the execution history of the state machine."""
    console = Console()
    electrons = [
        node
        for node in result.get_all_node_results()
        if not node["node_name"].startswith(":") and node["start_time"]
    ]
    console.print(_times(electrons))
    events = list(_history(result.dispatch_id))
    console.print(_events(events))
    entered = sum(event["type"].endswith("StateEntered") for event in events)
    print(f"billed state transitions: {entered} for {len(electrons)} electrons", end="")
    print(f" = {entered / len(electrons):.2f} per electron")


def _times(electrons: list[dict[str, Any]]) -> Table:
    table = Table("Node", "Electron", "Status", "Started (UTC)", "Seconds", title="Electrons")
    for node in electrons:
        seconds = (node["end_time"] - node["start_time"]).total_seconds()
        started = f"{node['start_time']:%H:%M:%S.%f}"[:-3]
        status = str(node["status"])
        table.add_row(str(node["node_id"]), node["node_name"], status, started, f"{seconds:.3f}")
    return table


def _events(events: list[dict[str, Any]]) -> Table:
    table = Table("Event", "Time", "Type", "State", title="Execution history")
    for event in events:
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails")
        state = details["name"] if details else ""
        table.add_row(
            str(event["id"]), f"{event['timestamp']:%H:%M:%S.%f}"[:-3], event["type"], state
        )
    return table


def _history(dispatch_id: str) -> Iterator[dict[str, Any]]:
    """The events that Step Functions keeps of the execution, from its own API on the offline AWS."""
    config = ct.get_config()["dispatcher"]
    server = f"http://{config['address']}:{config['port']}"
    arn = _execution(server, config["token"], dispatch_id)
    states = boto3.client(
        "stepfunctions",
        endpoint_url=server,
        region_name=arn.split(":")[3],
        aws_access_key_id=config["token"],
        aws_secret_access_key="offline",
        config=Config(proxies={}),
    )
    for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
        yield from map(dict, page["events"])


def _execution(server: str, token: str, dispatch_id: str) -> str:
    with httpx.Client(trust_env=False) as http:
        answer = http.get(
            f"{server}/api/v1/dispatches/{dispatch_id}",
            headers={"Authorization": f"Bearer {token}"},
        )
    return str(answer.raise_for_status().json()["execution"])


if __name__ == "__main__":
    main()
