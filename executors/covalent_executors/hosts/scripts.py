"""Pieces of scripts for /bin/sh."""

import shlex

_SHOWN = 20_000
"""Bytes of a job's log."""
_CONDA = """\
for each in "$HOME/miniforge3" "$HOME/mambaforge" "$HOME/miniconda3" "$HOME/anaconda3"; do
    command -v conda > /dev/null 2>&1 || [ ! -x "$each/bin/conda" ] || PATH="$PATH:$each/bin"
done
eval "$(conda shell.posix hook 2> /dev/null)"
conda activate {environment} > /dev/null 2>&1 || {{ echo conda=failed; exit 0; }}
"""


def path(text: str) -> str:
    """A path as a word of a script; one that begins with ~/ is below the user's home there."""
    if text == "~":
        return '"$HOME"'
    if text.startswith("~/"):
        return f'"$HOME"/{shlex.quote(text[2:])}'
    return shlex.quote(text)


def conda(environment: str | None) -> str:
    """Enter an environment of Conda; "" if there is none to enter. If that fails, the script ends with conda=failed."""
    return _CONDA.format(environment=shlex.quote(environment)) if environment else ""


def end_of(log: str) -> str:
    """What shows the end of a file, if there is one."""
    return f"tail -c {_SHOWN} {shlex.quote(log)} 2> /dev/null"


def answers(output: str) -> dict[str, list[str]]:
    """What a script has told in lines `name=value`."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name, []).append(value)
    return found
