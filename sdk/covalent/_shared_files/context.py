"""What an electron may know of itself while it runs."""

from covalent_contracts import context
from covalent_contracts.context import Context


def get_context() -> Context:
    """The running electron: `.dispatch_id`, and `.node_id` or `.task_id`; all None outside an electron."""
    return context.current()
