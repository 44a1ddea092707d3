"""Step Functions: everything that is repaired of moto's, one module per concern.

asl                    definitions are read in milliseconds
evaluation             states: threads, time limits, Lambda tasks, error names, paths
executions             start, stop, tokens, history, status events
service_integrations   tasks that call other services
"""

from moto.core.config import default_user_config

from covalent_localstack import asl, evaluation, executions, patching, service_integrations


def install() -> None:
    """Have moto execute machines, and repair how."""
    patching.replace_item(default_user_config, "stepfunctions", {"execute_state_machine": True})
    for module in (asl, evaluation, executions, service_integrations):
        module.install()
