"""What a user may set of an SSH executor."""

from typing import Annotated

from pydantic import Field

from covalent_executors.hosts.settings import LoginSpec, Name, Seconds

DEFAULT_DIR = "~/.cache/covalent"


class SSHSpec(LoginSpec):
    """The attributes of `SSHExecutor`."""

    hostname: Name = ""
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

    @property
    def folder(self) -> str:
        """Where the folders of jobs are."""
        return self.remote_cache or self.remote_dir or DEFAULT_DIR


SPEC = SSHSpec
