"""What a user may set of a Dask executor."""

from typing import Self

from pydantic import model_validator

from covalent_executors.spec import Spec


class DaskSpec(Spec):
    """The attributes of `DaskExecutor` that concern the state of its electrons."""

    scheduler_address: str = ""
    conda_env: str = ""
    current_env_on_conda_fail: bool = False

    @model_validator(mode="after")
    def _has_its_environment(self) -> Self:
        if self.conda_env and not self.current_env_on_conda_fail:
            raise ValueError(
                f"electrons run in the environment of the workers, not in conda_env {self.conda_env!r}: start the "
                "workers in it, or set current_env_on_conda_fail=True to run in theirs"
            )
        return self


SPEC = DaskSpec
