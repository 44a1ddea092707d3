"""What a user may set of an ECS executor."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from covalent_executors import fargate
from covalent_executors.spec import Spec

CLUSTER = "covalent-fargate-cluster"
FAMILY = "covalent-fargate-tasks"
LOG_GROUP = "covalent-fargate-task-logs"
"""What the reference calls them. Who has not named others means those of the deployment."""

_NAME = r"^[A-Za-z0-9_:/-]{1,256}$"
"""Also ARNs, and a definition with its revision."""


class EcsSpec(Spec):
    """The attributes of `ECSExecutor`."""

    ecs_cluster_name: Annotated[str, Field(pattern=_NAME)] = CLUSTER
    ecs_task_family_name: Annotated[str, Field(pattern=_NAME)] = FAMILY
    ecs_task_log_group_name: str = LOG_GROUP
    ecs_task_subnet_id: str = ""
    ecs_task_security_group_id: str = ""
    vcpu: float = 0.25
    memory: Annotated[float, Field(validate_default=True)] = 0.5

    @field_validator("vcpu")
    @classmethod
    def _exists(cls, vcpu: float) -> float:
        if why := fargate.wrong_vcpu(vcpu):
            raise ValueError(why)
        return vcpu

    @field_validator("memory")
    @classmethod
    def _fits(cls, memory: float, info: ValidationInfo) -> float:
        """Fargate has a table of sizes."""
        if "vcpu" in info.data and (why := fargate.wrong_memory(info.data["vcpu"], memory)):
            raise ValueError(why)
        return memory


SPEC = EcsSpec
