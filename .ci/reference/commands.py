"""The command line as the reference has it.

Every command and option is in the help, and the commands run, in the order of a server's life.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from reference.text import Reference

SECTION = "Covalent CLI Tool"
LIFE = (
    "start --port {port} --no-cluster --ignore-migrations",
    "status",
    "logs",
    "db migrate",
    "db alembic current",
    "cluster --status",
    "cluster --info",
    "cluster --address",
    "cluster --size",
    "cluster --logs",
    "restart --develop",
    "stop",
    "purge --hard --yes",
)
"""What is run, one after the other, on a free port."""
_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*|(?<![\w-])-[A-Za-z]\b")


def check(reference: Reference) -> Iterator[str]:
    """What the command line does not do as promised, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"COVALENT_CONFIG_DIR": folder, "HOME": folder, "COLUMNS": "200"}
        command = ""
        helps: dict[str, str] = {}
        for heading in reference.headings:
            if SECTION not in heading.path or heading.title.isupper():  # an argument, in capitals
                continue
            if heading.title.startswith("-"):
                shown = helps[command]
                yield from (
                    f"line {heading.line}: `covalent {command}`: no option {option}"
                    for option in _OPTION.findall(heading.title)
                    if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", shown)
                )
                continue
            command = _command(heading.title)
            if command not in helps:
                done = _run([*command.split(), "--help"], environment)
                helps[command] = done.stdout
                if done.returncode:
                    yield f"line {heading.line}: `covalent {command} --help`: {done.stderr.strip()}"
        for block in reference.blocks:
            if SECTION in block.heading.path:
                words = block.text.partition("[")[0].split()[1:]
                if _run([*words, "--help"], environment).returncode:
                    yield f"line {block.line}: `{block.text}` is not understood"
        yield from _life(environment)


def _command(title: str) -> str:
    """The words after `covalent`; the reference shows those of `db` beside it."""
    if title in ("covalent", SECTION):
        return ""
    return f"db {title}" if title in ("alembic", "migrate") else title


def _life(environment: dict[str, str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    try:
        for line in LIFE:
            done = _run(line.format(port=port).split(), environment)
            if done.returncode:
                yield f"`covalent {line}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()}"
    finally:
        _run(["stop"], environment)


def _run(
    arguments: Sequence[str], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    covalent = Path(sys.executable).with_name("covalent")
    return subprocess.run(
        [covalent, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
