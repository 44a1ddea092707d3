"""The blocks on quantum electrons: scripts run as written, and what they show is of the kind and near the values shown.

This needs PennyLane and the clients of IBM and Braket, so it runs in the environment of `make quantum`.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reference import providers, schemas
from reference.text import Block, Reference

SECTIONS = ("QElectron", "Quantum Clusters", "Quantum Executors")
TOLERANCE = 0.15
"""Shots and noisy devices: five standard deviations of an expectation value from 1024 shots."""
SLIPS: tuple[tuple[str, str], ...] = (
    ("# Wait for all circuits to finish.", ">>> # Wait for all circuits to finish."),
    (">>> >>>", ">>>"),
    ("<token>", "{token}"),
    # What is shown is what [0.5, 0.1] gives, and [0.6, -1.57] does not.
    (
        "x = [0.6, -1.57]\n\n>>> # Queue jobs for all three circuit calls simultaneously on IBM",
        "x = [0.5, 0.1]\n\n>>> # Queue jobs for all three circuit calls simultaneously on IBM",
    ),
    # Another circuit's: these are those of PennyLane's lightning.qubit and default.qubit for this one.
    ("[0.3169, 0.3169, 0.1831, 0.1831]", "[0.2402, 0.2598, 0.4945, 0.0055]"),
)
"""What is written differently before it is run, and what is there instead."""
KINDS: Mapping[str, str] = {
    "tf.Tensor": "tensorflow",
    "DeviceArray": "jax",  # what JAX called its arrays then
    "tensor": "torch",
    "array": "pennylane or numpy",
}
"""What a value is shown as, and which package it comes from."""
_SHOWN = re.compile(r"(tf\.Tensor|DeviceArray|tensor|array)\(\s*(\[[^\]]*\]|[^,)]*)")
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


@dataclass(frozen=True)
class Example:
    """The blocks of one example: a script, and then what a user types."""

    line: int
    script: str
    typed: tuple[str, ...]

    @property
    def shown(self) -> list[tuple[str, list[float]]]:
        """The kinds and numbers of what is shown, in order."""
        found = [_SHOWN.findall(text) for text in self.typed]
        return [
            (KINDS[kind], [float(each) for each in _NUMBER.findall(numbers)])
            for each in found
            for kind, numbers in each
        ]


def is_covered(block: Block) -> bool:
    """Whether the block is run, read as a schema, or only tells how to install what an extra installs."""
    return block.language == "py" or schemas.is_schema(block) or "pip install" in block.text


def blocks_of(reference: Reference) -> list[Block]:
    """The blocks of the quantum sections."""
    return [
        block for block in reference.blocks if any(each in block.heading.path for each in SECTIONS)
    ]


def check(reference: Reference) -> Iterator[str]:
    """What is not as shown, a line each."""
    examples = list(_examples(reference))
    if not examples:
        yield f"there is no example under {SECTIONS}"
    with providers.running() as environment:
        for example in examples:
            yield from (f"line {example.line}: {each}" for each in _faults(example, environment))


def _examples(reference: Reference) -> Iterator[Example]:
    scripts = [block for block in blocks_of(reference) if block.language == "py"]
    for position, block in enumerate(scripts):
        if block.text.startswith(">>>"):
            continue
        typed: list[str] = []
        for later in scripts[position + 1 :]:
            if not later.text.startswith(">>>"):
                break
            typed.append(_mended(later.text))
        yield Example(block.line, _with_imports(_mended(block.text)), tuple(typed))


def _mended(text: str) -> str:
    for slip, mended in SLIPS:
        text = text.replace(slip, mended)
    return text


def _with_imports(text: str) -> str:
    return "import covalent as ct\nimport pennylane as qml\n" + text


def _faults(example: Example, environment: Mapping[str, str]) -> Iterator[str]:
    typed = [
        line.removeprefix(">>> ")
        for text in example.typed
        for line in text.splitlines()
        if line.startswith(">>> ")
    ]
    script = example.script.replace("{token}", environment["IBM_TOKEN"])
    session = {"script": script, "typed": [line for line in typed if _is_code(line)]}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("session.py"))],
        input=json.dumps(session),
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        yield f"it ended with {done.stderr.strip()[-2000:]!r}"
        return
    have = json.loads(done.stdout.splitlines()[-1])
    promised = example.shown
    if len(have) != len(promised):
        yield f"it showed {len(have)} values, not {len(promised)}: {have}"
    for (package, numbers), (kind, near) in zip(have, promised, strict=False):
        if package not in kind:
            yield f"it showed a value of {package}, not of {kind}"
        if len(numbers) != len(near) or any(
            abs(a - b) > TOLERANCE for a, b in zip(numbers, near, strict=True)
        ):
            yield f"it showed {numbers}, not {near}"


def _is_code(line: str) -> bool:
    return bool(ast.parse(line).body)
