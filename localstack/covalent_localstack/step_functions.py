"""Step Functions: everything that is repaired of moto's, one module per concern.

asl                    definitions are read in milliseconds
evaluation             states: threads, time limits, Lambda tasks, error names, paths
executions             start, stop, tokens, history, status events
stopping               what a state waits for ends with it
nested                 tasks that start an execution of another machine
jobs                   tasks that wait for a job of Batch or a task of ECS
batch, ecs             those jobs and tasks
waits                  until a time
maps, map_runs         inline Maps; distributed Maps and their children
service_integrations   tasks that call other services
"""

from moto.core.config import default_user_config

from covalent_localstack import (
    asl,
    batch,
    ec2,
    ecs,
    evaluation,
    executions,
    jobs,
    map_runs,
    maps,
    nested,
    patching,
    service_integrations,
    stopping,
    waits,
)

_REPAIRS = (
    asl,
    evaluation,
    executions,
    stopping,
    waits,
    nested,
    batch,
    ec2,
    ecs,
    jobs,
    maps,
    map_runs,
    service_integrations,
)


def install() -> None:
    """Have moto execute machines, and repair how."""
    patching.replace_item(default_user_config, "stepfunctions", {"execute_state_machine": True})
    for module in _REPAIRS:
        module.install()
