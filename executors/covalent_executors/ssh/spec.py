"""What a user may set of an SSH executor."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from covalent_executors.hosts.settings import LoginSpec, Seconds

DEFAULT_DIR = "~/.cache/covalent"


class SSHSpec(LoginSpec):
    """The attributes of `SSHExecutor`."""

    hostname: str = ""
    remote_dir: str = ""
    """Where the folders of jobs are; `remote_cache` is its older name."""

    remote_cache: str = ""
    remote_workdir: str = ""
    """What working directories of electrons are made in; the job's folder if empty."""

    create_unique_workdir: bool = True
    python_path: str = ""
    """The Python there; if empty, the first on the PATH that fits."""

    conda_env: str | None = None
    do_cleanup: bool = True
    run_local_on_ssh_fail: bool = False
    retry_connect: bool = True
    max_connection_attempts: Annotated[int, Field(ge=1)] = 5
    retry_wait_time: Seconds = 5

    @model_validator(mode="after")
    def _has_a_host(self) -> Self:
        if not self.hostname or self.hostname.startswith("-"):
            raise ValueError("hostname: the host must be given")
        return self

    @property
    def folder(self) -> str:
        """Where the folders of jobs are."""
        return self.remote_cache or self.remote_dir or DEFAULT_DIR


SPEC = SSHSpec
