"""`python workflow_script.py`: see that this Python can run the job, then become it.

This file is copied to the host and runs there alone, by whatever Python the job finds, however old. The environment
tells the folder of the job, and the version of Python that it needs, or that any will do.
"""

import os
import sys

FOLDER, PYTHON = "COVALENT_JOB_FOLDER", "COVALENT_PYTHON"
PROGRAM = "runner.pyz"
REFUSED = 78
"""Exit code of a host where the job cannot run: EX_CONFIG of sysexits.h."""


def main() -> None:
    """Become the job."""
    wanted, found = os.environ.get(PYTHON), "%d.%d" % sys.version_info[:2]  # noqa: UP031  # old Pythons read this
    if wanted and wanted != found:
        refuse("python %s %s" % (found, sys.executable))  # noqa: UP031  # as above
    try:
        import cloudpickle  # noqa: F401, PLC0415  # whether it is there
    except ImportError:
        refuse("cloudpickle %s %s" % (found, sys.executable))  # noqa: UP031  # as above
    program = os.path.join(os.environ[FOLDER], PROGRAM)  # noqa: PTH118  # as above
    os.execv(sys.executable, [sys.executable, program])  # noqa: S606  # what this is for


def refuse(reason: str) -> None:
    """Leave word why the job cannot run, and end."""
    with open(os.path.join(os.environ[FOLDER], "refused"), "w") as file:  # noqa: PTH118, PTH123  # as above
        file.write(reason)
    sys.exit(REFUSED)


if __name__ == "__main__":
    main()
