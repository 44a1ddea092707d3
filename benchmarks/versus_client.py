"""Build and run workflows for `benchmarks.versus`, in either environment.

Nothing but the standard library and what both packages promise is used. Reads a JSON request a line, prints a JSON
answer a line:

    {"do": "build", "shape": "chain", "n": 10}     -> {"seconds": ...}
    {"do": "dispatch", "shape": "chain", "n": 10}  -> {"seconds": ...}, until it was accepted
    {"do": "wait"}                                 -> {"seconds": ..., "server": ...}

`wait` waits for what was dispatched: `seconds` go from the dispatch to the value in hand, `server` is what the
record says, from start to end. What goes wrong is answered as {"error": ...}, and ends the client.
"""

import json
import os
import sys
import time
from typing import Any

import covalent as ct

Answer = dict[str, float]


@ct.electron
def no_op(value: Any = None) -> Any:
    """As little as an electron can do."""
    return value


@ct.electron
def collect(values: list[Any]) -> int:
    """One electron that needs all the others."""
    return len(values)


@ct.lattice
def fan_out(n: int) -> Any:
    """`n` electrons that need nothing, and one that needs them all; returns `n`."""
    return collect([no_op(i) for i in range(n)])


@ct.lattice
def chain(n: int) -> Any:
    """`n` electrons, one after the other; returns `n`."""
    value = no_op(n)
    for _ in range(n - 1):
        value = no_op(value)
    return value


LATTICES = {"fan-out": fan_out, "chain": chain}


class Client:
    """What the requests do; it remembers the last dispatch."""

    def __init__(self) -> None:
        self._began = 0.0
        self._expected = 0
        self._dispatch_id = ""

    def build(self, shape: str, n: int) -> Answer:
        """Trace a lattice."""
        began = time.perf_counter()
        LATTICES[shape].build_graph(n)
        return {"seconds": time.perf_counter() - began}

    def dispatch(self, shape: str, n: int) -> Answer:
        """Dispatch a lattice."""
        self._expected = n
        self._began = time.perf_counter()
        self._dispatch_id = ct.dispatch(LATTICES[shape])(n)
        return {"seconds": time.perf_counter() - self._began}

    def wait(self) -> Answer:
        """Wait for the value of what was dispatched, and check it."""
        result = ct.get_result(self._dispatch_id, wait=True)
        value = result.result
        seconds = time.perf_counter() - self._began
        if value != self._expected:
            raise RuntimeError(f"{result.status}, value {value!r}: {result.error}")
        assert result.start_time is not None
        assert result.end_time is not None
        return {"seconds": seconds, "server": (result.end_time - result.start_time).total_seconds()}


def main() -> None:
    """Answer until there are no more requests."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # whatever else the packages print
        client = Client()
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = getattr(client, request.pop("do"))(**request)
            except Exception as exc:
                error = {"error": f"{type(exc).__name__}: {exc}"}
                print(json.dumps(error), file=answers, flush=True)
                raise
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
