"""The blocks on executors: configurations are read back, scripts run on the offline AWS and print what they must.

Those for other hosts, clusters and clouds have them on this machine, as `elsewhere` tells.

What cannot be run by anyone is told by kind: how to install Covalent's own packages, policies and commands for
resources that our Terraform makes, and what a script prints.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reference import config, elsewhere
from reference.text import Block, Reference

SECTION = "Executors"
SHOWN: Mapping[str, str] = {
    r"pip install": "installs a package of Covalent's own server; here an extra, or nothing",
    r"\"Version\": ?\"2012-10-17\"": "a policy: our Terraform modules have the roles",
    r"LocalCluster": "a cluster of one's own: the script after it runs on that of `covalent start`",
    r"provider \"?aws\"? \{\}": "resources: our Terraform modules have them",
    r"(?m)^\s*(aws|docker|#Dockerfile|ssh) ?": "commands for an account, or for images",
    r"^(>>> )?(Result: )?[\s\"]*(\d\.\d+|0|Hello, World!?)\"?$": "what a script prints",
    r"#SBATCH|^srun|^module load": "a script for Slurm: tests/unit/executors/slurm holds ours to it",
}
"""Blocks that nobody runs, and why."""
CIRCUITS = "import pennylane"
"""What is in a script that runs in the environment of `make quantum` alone, as `check_circuits` does."""
SLIPS: tuple[tuple[str, str], ...] = (
    ('function_name = "my-lambda-function"\n', 'function_name = "my-lambda-function",\n'),
    ("(100000000)", "(1000000)"),  # no slip: a hundredth of the time
    (",\n    deps_pip=deps_pip", ""),  # these versions do not exist for the Pythons of today
    ("tcp://127.0.0.1:55564", "{dask}"),  # wherever it is
    ("\n...", ""),
    ("    }\n    srun_append", "    },\n    srun_append"),
    ("\n    region =", "\nregion ="),
    ("credentials=credentials_file", "credentials=credentials"),
    (
        'ecr_repo_name = "braket_ecr_repo"',
        'ecr_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/braket_ecr_repo:latest"',
    ),
    ("simple_circuit().numpy()", "simple_circuit()"),  # a number, where nothing is differentiated
)
"""What is written differently before it is run, and what is there instead."""
CONFIG_SLIPS: tuple[tuple[str, str], ...] = (
    (r"(?m),\s*$", ""),
    (r"(?m)^\.\.\.$", ""),
    (r"= (<[^>]*>)", r'= "\1"'),
)
"""The same of configurations, as patterns."""
RESULTS: tuple[tuple[str, str], ...] = (
    ("def compute_pi", r"3\.1415"),
    ("def train_svm", r"(0\.\d+|1\.0)"),
    ("def join_words", r"Hello, ?World!"),
    ("socket.gethostname()", f"ran: {re.escape(socket.gethostname())}"),
    ("def simple_circuit", r"Result: -?(0\.0\b|\d\.\d+e-1\d)"),
)
"""What a script prints, by what is in it."""
TASKS = """
@ct.lattice
def added_here(*args):
    return {task}(*args)

print("ran:", ct.dispatch_sync(added_here)(*{arguments}).result)
"""
"""What is added to a script that dispatches nothing: its electron runs."""
_TASK = re.compile(r"(?m)^def (\w+)\((.*)\):")
_EXECUTOR = re.compile(r"\[executors\.\w+\]")


@dataclass(frozen=True)
class Script:
    """A script to run, and what it prints."""

    block: Block
    text: str
    prints: str


def is_covered(block: Block) -> bool:
    """Whether the block is run, or told to be none that could be."""
    return bool(_EXECUTOR.match(block.text) or why_not(block) or _is_script(block))


def why_not(block: Block) -> str:
    """Why nobody runs a block; "" if it is run."""
    if _is_script(block) or _EXECUTOR.match(block.text):
        return ""
    return next((why for pattern, why in SHOWN.items() if re.search(pattern, block.text)), "")


def blocks_of(reference: Reference) -> list[Block]:
    """The blocks on executors."""
    return [block for block in reference.blocks if SECTION in block.heading.path]


def check(reference: Reference) -> Iterator[str]:
    """What is not as promised, a line each."""
    blocks = blocks_of(reference)
    for block in blocks:
        if _EXECUTOR.match(block.text):
            yield from config.faults(block, _mended(block.text))
    scripts = [script for script in _scripts(blocks) if CIRCUITS not in script.text]
    with tempfile.TemporaryDirectory() as folder, elsewhere.running(Path(folder)) as places:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "covalent.conf").write_text(_mended(places.configuration(reference)))
        with server(home) as environment:
            for script in scripts:
                there = replace(script, text=places.mended(script.block, script.text))
                yield from _faults(there, environment)


def check_circuits(reference: Reference, environment: Mapping[str, str]) -> Iterator[str]:
    """What is not as promised of those scripts that run circuits, a line each."""
    for script in _scripts(blocks_of(reference)):
        if CIRCUITS in script.text:
            yield from _faults(script, environment)


def _mended(text: str) -> str:
    for pattern, new in CONFIG_SLIPS:
        text = re.sub(pattern, new, text)
    return text


def _is_script(block: Block) -> bool:
    return "covalent as ct" in block.text or "ct.executor." in block.text or "@ct." in block.text


def _scripts(blocks: list[Block]) -> Iterator[Script]:
    """The scripts; where a section defines several executors and then one workflow, one for each of them."""
    defining: list[Block] = []
    for block in blocks:
        if not _is_script(block) or why_not(block):
            continue
        if re.match(r"executor = ", block.text) and "def " not in block.text:
            defining.append(block)
        elif defining and "executor=executor" in block.text and "executor = " not in block.text:
            yield from (_script(each, f"{each.text}\n{block.text}") for each in defining)
            defining = []
        elif "def " in block.text:
            yield _script(block, block.text)


def _script(block: Block, text: str) -> Script:
    for slip, mended in SLIPS:
        text = text.replace(slip, mended)
    text = "import covalent as ct\n" + text
    if "LocalCluster" not in text and "{dask}" in text:
        text = text.replace('"{dask}"', 'ct.get_config("dask.scheduler_address")')
    if "ct.dispatch" not in text and (task := _TASK.search(text)):
        arguments = "(1, 2)" if task[2] else "()"
        text += TASKS.format(task=task[1], arguments=arguments)
    prints = next((result for name, result in RESULTS if name in text), "ran: 3")
    return Script(block, text, prints)


def _faults(script: Script, environment: Mapping[str, str]) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(script.text)
        file.flush()
        done = subprocess.run(
            [sys.executable, file.name],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if done.returncode or not re.search(script.prints, done.stdout):
        told = (done.stderr or done.stdout).strip()[-2000:]
        yield f"line {script.block.line}: it printed {told!r}, not {script.prints}"


def _await_cluster(environment: Mapping[str, str]) -> None:
    """Wait until the server's Dask cluster has told its address, which is in the configuration then."""
    configuration = Path(environment["COVALENT_CONFIG_DIR"]) / "covalent.conf"
    end = time.monotonic() + 60
    while "scheduler_address" not in configuration.read_text():
        if time.monotonic() > end:
            raise TimeoutError("the Dask cluster of `covalent start` does not come up")
        time.sleep(0.1)


@contextmanager
def server(folder: Path) -> Iterator[Mapping[str, str]]:
    """A server with a Dask cluster; the environment that finds it. The home has the key that a script names."""
    (folder / ".ssh").mkdir()
    (folder / ".ssh" / "ec2_key").touch(0o600)
    environment = os.environ | {"COVALENT_CONFIG_DIR": str(folder), "HOME": str(folder)}
    covalent = str(Path(sys.executable).with_name("covalent"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    start = [covalent, "start", "--port", str(port), "-n", "2"]
    subprocess.run(start, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=120)
    try:
        _await_cluster(environment)
        yield environment
    finally:
        subprocess.run([covalent, "stop"], env=environment, check=False, timeout=120)
