"""asyncssh is loaded where a host is reached, and nowhere before: the control plane does not have it."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["ssh", "slurm"])
def test_the_control_plane_needs_no_asyncssh(name: str) -> None:
    program = (
        f"import sys, covalent_executors.{name}.template, covalent_executors.{name}.adapter\n"
        "print([m for m in sys.modules if m.startswith(('asyncssh', 'cryptography'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
