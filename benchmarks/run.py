"""Measure the product on the embedded AWS and print what it costs per electron.

    python -m benchmarks.run [--electrons 1000] [--chain 100] [--repeat 3]

Starts a server of its own in a temporary directory. Wall times are the best of `--repeat` runs, from `dispatch`
to the result in hand; the first run of each shape, which also creates its state machine, is shown apart. The last two
dispatches are too large for one machine.
"""

import argparse
import json
import os
import platform
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import covalent as ct
from benchmarks.shapes import n_rich

LARGE = 10_000
"""Electrons of a dispatch that no single state machine can hold."""


@ct.electron
def no_op(value: Any = None) -> Any:
    """As little as an electron can do."""
    return value


@ct.electron
def collect(values: list[Any]) -> int:
    """One electron that needs all the others."""
    return len(values)


@ct.lattice
def fan_in(n: int) -> Any:
    """`n` electrons into one."""
    return collect([no_op(i) for i in range(n)])


@ct.lattice
def chain(n: int) -> Any:
    """`n` electrons, one after the other."""
    value = no_op(0)
    for _ in range(n - 1):
        value = no_op(value)
    return value


@ct.lattice
def woven(n: int) -> Any:
    """`n` electrons, each with two or three random parents among the last twenty."""
    made: list[Any] = []
    for parents in n_rich(n).values():
        made.append(collect([made[parent] for parent in parents]))
    return made[-1]


@contextmanager
def server() -> Iterator[None]:
    """An embedded AWS of our own, warm: it has run an electron."""
    with tempfile.TemporaryDirectory(prefix="covalent-bench-") as folder:
        os.environ["COVALENT_CONFIG_DIR"] = folder
        ct.reload_config()
        token = secrets.token_hex(16)
        state = Path(folder, "state.json")
        command = [
            *(sys.executable, "-m", "covalent_localstack", "serve", "--port", "0"),
            *("--data-dir", folder, "--state-file", str(state)),
        ]
        process = subprocess.Popen(
            command, env={**os.environ, "COVALENT_TOKEN": token}, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        port = json.loads(state.read_text())["port"]
        ct.set_config(
            {
                "dispatcher.address": "localhost",
                "dispatcher.port": port,
                "dispatcher.token": token,
            }
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def best(repeat: int, call: Callable[..., Any], *args: Any) -> float:
    """Seconds that a call takes, the least of several."""

    def once() -> float:
        start = time.perf_counter()
        call(*args)
        return time.perf_counter() - start

    return min(once() for _ in range(repeat))


def to_result(lattice: Any, n: int) -> None:
    """Dispatch and wait until the value is in hand."""
    result = ct.get_result(ct.dispatch(lattice)(n), wait=True)
    if result.status != "COMPLETED":
        raise RuntimeError(result.error)
    assert result.result is not None


def rows(electrons: int, length: int, repeat: int) -> Iterator[tuple[str, float, int]]:
    """(what, seconds, electrons) of every measurement."""
    for n in (electrons, 5 * electrons):
        yield f"build_graph, {n:,}", best(repeat, fan_in.build_graph, n), n
    began = time.perf_counter()
    with server():
        yield "server ready", time.perf_counter() - began, 1
        best(2, to_result, chain, 1)
        yield "one electron", best(10, to_result, chain, 1), 1
        for name, lattice, n in (
            (f"{electrons:,} into one", fan_in, electrons),
            (f"chain of {length}", chain, length),
        ):
            yield f"{name}, first run", best(1, to_result, lattice, n), n
            yield name, best(repeat, to_result, lattice, n), n
        accepted = best(repeat, ct.dispatch(fan_in), electrons)
        yield f"dispatch accepted, {electrons:,}", accepted, electrons
        for name, lattice, n in (("into one", fan_in, LARGE), ("N-rich", woven, LARGE // 5)):
            yield f"{n:,} {name}, divided, first run", best(1, to_result, lattice, n), n


def table_of(electrons: int, chain: int, repeat: int) -> Table:
    """All measurements as they are printed."""
    table = Table("what", "wall (s)", "per electron (ms)")
    for what, seconds, n in rows(electrons, chain, repeat):
        table.add_row(what, f"{seconds:.3f}", f"{1000 * seconds / n:.2f}")
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--electrons", type=int, default=1000)
    parser.add_argument("--chain", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    console = Console()
    console.print(table_of(options.electrons, options.chain, options.repeat))
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )


if __name__ == "__main__":
    main()
