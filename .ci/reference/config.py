"""The configuration blocks of the reference, read back through `ct.get_config`."""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from reference.text import Block, Reference

SECTION = "Setting Defaults"
_READ = "import covalent as ct, json, sys; json.dump(ct.get_config(), sys.stdout)"


def check(reference: Reference) -> Iterator[str]:
    """What a configuration file with the text of a block does not give back, a line each."""
    blocks = [block for block in reference.blocks if SECTION in block.heading.path]
    if not blocks:
        yield f"there is no block under {SECTION!r}"
    for block in blocks:
        yield from faults(block, block.text)


def faults(block: Block, text: str) -> Iterator[str]:
    """What a configuration file with this text, which is that of a block, does not give back."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "covalent.conf").write_text(text)
        environment = os.environ | {"COVALENT_CONFIG_DIR": folder}
        done = subprocess.run(
            [sys.executable, "-c", _READ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        yield f"line {block.line}: the configuration cannot be read: {done.stderr.strip().splitlines()[-1]}"
        return
    have = json.loads(done.stdout)
    for path, value in _leaves(tomllib.loads(text)):
        found = have
        for part in path:
            found = found.get(part, {}) if isinstance(found, dict) else {}
        if found != value:
            yield f"line {block.line}: {'.'.join(path)} is {found!r}, not {value!r}"


def _leaves(
    table: dict[str, object], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value
