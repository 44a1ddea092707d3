"""The blocks on quantum electrons: scripts run as written, and what they show is of the kind and near the values shown.

Both, the values that come and those in the reference, are held to what PennyLane's own simulator computes for the call
without shots: equal where the executor has no shots, within five standard deviations where it has some.

This needs PennyLane and the clients of IBM and Braket, so it runs in the environment of `make quantum`.
"""

import ast
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference import executors, providers, schemas
from reference.text import Block, Reference

SECTIONS = ("QElectron", "Quantum Clusters", "Quantum Executors")
EXACT = 1e-6
"""Without shots: no more than rounding, of single precision at worst."""
WRITTEN = 5e-5
"""The same of a value in the reference, which has four digits after the point."""
SIGMAS = 5
NOISE = 0.1
"""What a device in `providers.DEVICES` may add: a qubit of fake_lima, the noisiest, is misread by up to 0.06, each of
the circuit's two CNOTs fails by 0.01 or so, and the rest is for its next calibration."""
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
Value = tuple[str, list[float]]
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
        yield from executors.check_circuits(reference, environment)


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
    yield from differences(**json.loads(done.stdout.splitlines()[-1]), promised=example.shown)


def differences(
    shown: Sequence[Value], meant: Sequence[Mapping[str, Any]], promised: Sequence[Value]
) -> Iterator[str]:
    """What was shown otherwise than promised, or by chance would hardly be.

    Args:
        shown: the values, each with its package.
        meant: for each the exact numbers, and the `shots` and `backend` that estimated them.
        promised: the values in the reference, each with its kind.

    """
    if not len(shown) == len(promised) == len(meant):
        yield f"it showed {len(shown)} values of {len(meant)}, not {len(promised)}: {shown}"
        return
    for (package, numbers), means, (kind, written) in zip(shown, meant, promised, strict=True):
        if package not in kind:
            yield f"it showed a value of {package}, not of {kind}"
        if not _is_near(numbers, means, EXACT):
            yield f"it showed {numbers}, and means {means}"
        if not _is_near(written, means, WRITTEN):
            yield f"the reference has {written}, and means {means}"


def _is_near(numbers: Sequence[float], means: Mapping[str, Any], without_shots: float) -> bool:
    exact, shots = means["numbers"], means["shots"]
    if len(numbers) != len(exact):
        return False
    noise = NOISE if means["backend"] in providers.DEVICES else 0
    allowed = [
        noise + chance(each, shots, is_mean=len(exact) == 1) if shots else without_shots
        for each in exact
    ]
    return all(abs(a - b) <= most for a, b, most in zip(numbers, exact, allowed, strict=True))


def chance(exact: float, shots: int, *, is_mean: bool) -> float:
    """How far an estimate may be from what it estimates.

    Args:
        exact: a probability, or the mean of an observable whose values are 1 and -1.
        shots: how many there were.
        is_mean: whether it is the mean.

    Returns:
        Bernstein's bound, which an estimate exceeds once in 130,000 times at most: five standard deviations, and a
        term for rare outcomes, whose counts are not normally distributed.

    """
    probability = min(max((1 + exact) / 2 if is_mean else exact, 0), 1)
    spread = math.sqrt(probability * (1 - probability) / shots)
    return (2 if is_mean else 1) * (SIGMAS * spread + SIGMAS**2 / (6 * shots))


def _is_code(line: str) -> bool:
    return bool(ast.parse(line).body)
