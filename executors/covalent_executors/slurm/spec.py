"""What a user may set of a Slurm executor."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from covalent_executors.hosts.settings import LoginSpec, Name, given
from covalent_executors.spec import MAX_TIME_LIMIT

Value = bool | int | float | str | None
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNUSABLE = {
    "array": "an electron is one job; run several electrons instead",
    "a": "an electron is one job; run several electrons instead",
    "test-only": "the job would never run",
    "wrap": "the job has a script already",
    "wait": "whoever submits does not wait",
    "W": "whoever submits does not wait",
}


def _line(text: str) -> str:
    if any(each in text for each in "\n\r\0"):
        raise ValueError("it must be one line")
    return text


def _options(named: dict[str, Value]) -> dict[str, Value]:
    found = {name.lstrip("-"): value for name, value in named.items()}
    for name, value in found.items():
        if not _OPTION.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an option")
        _line(str(value))
    return found


Line = Annotated[str, AfterValidator(_line)]
Lines = Annotated[list[Line], BeforeValidator(lambda lines: lines or [])]
Options = Annotated[
    dict[str, Value], BeforeValidator(lambda pairs: pairs or {}), AfterValidator(_options)
]


class SlurmSpec(LoginSpec):
    """The attributes of `SlurmExecutor`."""

    address: Name = ""
    remote_workdir: Annotated[Line, AfterValidator(given)] = "covalent-workdir"
    """What login node and nodes share; below the user's home there unless absolute."""

    slurm_path: Line | None = None
    conda_env: Line | None = None
    options: Options = Field(default_factory=dict)
    """Those of sbatch."""

    srun_options: Options = Field(default_factory=dict)
    srun_append: Line | None = None
    prerun_commands: Lines = Field(default_factory=list)
    postrun_commands: Lines = Field(default_factory=list)
    use_srun: bool = True
    bashrc_path: Line | None = "$HOME/.bashrc"
    variables: Annotated[
        dict[str, str | int | float], BeforeValidator(lambda pairs: pairs or {})
    ] = Field(default_factory=dict)
    create_unique_workdir: bool = False
    poll_freq: Annotated[float, Field(gt=0, le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 60
    cleanup: bool = True
    ignore_versions: bool = False

    @field_validator("options")
    @classmethod
    def _is_one_job(cls, given: dict[str, Value]) -> dict[str, Value]:
        for name in given:
            if name in _UNUSABLE:
                raise ValueError(f"{name!r} cannot be used: {_UNUSABLE[name]}")
        return given

    @field_validator("variables")
    @classmethod
    def _have_names(cls, given: dict[str, str | int | float]) -> dict[str, str | int | float]:
        for name in given:
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an environment variable")
        return given


SPEC = SlurmSpec
