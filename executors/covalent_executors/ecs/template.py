"""What Step Functions calls for an ECS executor.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html

The size of a task is an override; so the containers of its definition must have none of their own.
"""

from collections.abc import Mapping, Sequence

from covalent_executors.container import COMMAND, MIB, environment, mebibytes
from covalent_executors.ecs.spec import CLUSTER, FAMILY, EcsSpec
from covalent_executors.place import Ecs, Place, of_version, turned_on
from covalent_executors.task import JOB_ERRORS, Argument, TaskTemplate

RUN = "arn:aws:states:::ecs:runTask.sync"
RUN_ERRORS = ("ECS.InvalidParameterException", "ECS.SdkClientException", "ECS.ServerException")
"""What passes, or may: bad moments of the service. The first also says that it looked up too many subnets at once."""
REFUSED = (
    "ECS.AccessDeniedException",
    "ECS.BlockedException",
    "ECS.ClientException",
    "ECS.ClusterNotFoundException",
    "ECS.ConflictException",
    "ECS.PlatformTaskDefinitionIncompatibilityException",
    "ECS.PlatformUnknownException",
    "ECS.UnsupportedFeatureException",
)
"""What does not pass.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html#API_RunTask_Errors
"""
THROTTLED = ("AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ThrottlingException")
"""How ECS shows that it starts 20 tasks a second for an account, and that there is no room for a moment.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
"""


def task(spec: EcsSpec, place: Place, python: str) -> TaskTemplate:
    """A task in the deployment's cluster, or in the user's own.

    Raises:
        InvalidWorkflow: the deployment has no ECS.
        UnsupportedPython: its images have no such version.

    """
    offered = turned_on(place.ecs, "ecs", "ECS", "ecs")
    return TaskTemplate(
        resource=RUN,
        parameters={
            "LaunchType": "FARGATE",
            "Cluster": _own(spec.ecs_cluster_name, CLUSTER) or offered.cluster,
            "TaskDefinition": _own(spec.ecs_task_family_name, FAMILY)
            or of_version(offered.definitions, python, "task definition"),
            "NetworkConfiguration": {"AwsvpcConfiguration": _network(spec, offered)},
            "Overrides": _overrides(spec, offered),
        },
        transient=RUN_ERRORS,
        full=THROTTLED,
        time_limit=spec.limit,
        retries=spec.retries,
        failures=JOB_ERRORS,
        is_job=True,
        ends_itself=True,
        refused=REFUSED,
    )


def _own(name: str, of_reference: str) -> str:
    """A name that is the user's own."""
    return "" if name == of_reference else name


def _network(spec: EcsSpec, offered: Ecs) -> Mapping[str, Argument]:
    """A subnet of the user's own may need a public address, and one that does not is none the worse for it."""
    has_public_ip = bool(spec.ecs_task_subnet_id) or offered.has_public_ip
    return {
        "Subnets": _either(spec.ecs_task_subnet_id, offered.subnets),
        "SecurityGroups": _either(spec.ecs_task_security_group_id, offered.security_groups),
        "AssignPublicIp": "ENABLED" if has_public_ip else "DISABLED",
    }


def _either(own: str, offered: Sequence[str]) -> Sequence[str]:
    return [own] if own else list(offered)


def _overrides(spec: EcsSpec, offered: Ecs) -> Mapping[str, Argument]:
    electron: Mapping[str, Argument] = {
        "Name": offered.container,
        "Command": COMMAND,
        "Environment": environment(spec.limit, _variables(spec, offered)),
    }
    return {
        "Cpu": f"{spec.vcpu * MIB:g}",
        "Memory": mebibytes(spec.memory),
        "ContainerOverrides": [electron],
    }


def _variables(spec: EcsSpec, offered: Ecs) -> Mapping[str, str]:
    """What the definition of the deployment has already."""
    if offered.is_emulated:
        return {"COVALENT_LOG_GROUP": spec.ecs_task_log_group_name}
    return offered.environment if _own(spec.ecs_task_family_name, FAMILY) else {}
