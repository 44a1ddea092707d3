"""`python workflow_script.py`: see that this Python can run the job, then become it.

This file is copied to the host and runs there alone, by whatever Python the job finds, however old. The environment
tells the folder of the job, and the version of Python that it needs.
"""

import os
import sys

FOLDER, PYTHON = "COVALENT_JOB_FOLDER", "COVALENT_PYTHON"
PROGRAM = "runner.pyz"
REFUSED = 78
"""Exit code of a host where the job cannot run: EX_CONFIG of sysexits.h."""
_TRIED = "COVALENT_PYTHON_TRIED"


def main() -> None:
    """Become the job."""
    wanted, found = os.environ[PYTHON], "%d.%d" % sys.version_info[:2]  # noqa: UP031  # old Pythons read this
    if wanted != found:
        refuse("python", wanted, found)
    program = os.path.join(os.environ[FOLDER], PROGRAM)  # noqa: PTH118  # as above
    os.execv(sys.executable, [sys.executable, program])  # noqa: S606  # what this is for


def refuse(lack: str, wanted: str, found: str) -> None:
    """Give way to the Python that has the version in its name; if there is none, leave word, and end."""
    if _TRIED not in os.environ:
        os.environ[_TRIED] = found
        try:  # noqa: SIM105  # as above
            os.execvp("python" + wanted, ["python" + wanted] + sys.argv)  # noqa: RUF005, S606  # as above
        except OSError:
            pass
    with open(os.path.join(os.environ[FOLDER], "refused"), "w") as file:  # noqa: PTH118, PTH123  # as above
        file.write("%s %s %s" % (lack, found, sys.executable))  # noqa: UP031  # as above
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
