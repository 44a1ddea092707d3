"""What an instance does: get the runner, run one electron, and shut down, whatever happens.

cloud-init runs it as root once the instance has started. The electron stands in its last line, behind the `exit`.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
"""

import shlex
from collections.abc import Mapping

from covalent_contracts.envelope import ELECTRON
from covalent_executors.ec2.place import INSTANCE

_HEAD = """\
#!/bin/bash
trap 'shutdown -h now' EXIT
export HOME="${HOME:-/root}"
"""
_PROGRAM = """\
python=python$VERSION
command -v $python || dnf install -y -q $python $python-pip || exit 1
mkdir -p "$HOME/covalent" && cd "$HOME/covalent" || exit 1
aws s3 cp --only-show-errors "$PROGRAM" program.zip || exit 1
$python -m zipfile -e program.zip . || exit 1
export PYTHONPATH="$PWD"
"""
_HERE = """\
python=python$VERSION
"""
_RUN = """\
instance="${INSTANCE:-$(cat /var/lib/cloud/data/instance-id)}"
export COVALENT_JOB_HANDLE="{\\"executor\\": \\"ec2\\", \\"instance\\": \\"$instance\\"}"
"""
_LAST = f"""\
{ELECTRON}="$(tail -n 1 "$0")" $python -m covalent_runner
exit
"""


def script(version: str, program: str, environment: Mapping[str, str]) -> str:
    """The script.

    Args:
        version: of Python, "3.11".
        program: the address of the runner's zip; "" if there is nothing to fetch.
        environment: what the runner is to find in its environment.

    """
    exports = "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()
    )
    get = _PROGRAM if program else _HERE
    return (
        _HEAD
        + exports
        + get.replace("$VERSION", version).replace("$PROGRAM", program)
        + _RUN.replace("INSTANCE", INSTANCE)
        + _LAST
    )
