"""Who may read a dispatch beside its owner: for the owner to see and to change, for nobody else."""

from covalent_contracts.api import Sharing
from covalent_contracts.ids import principal_of
from covalent_control_plane import store
from covalent_control_plane.aws import Aws
from covalent_control_plane.dispatches import owned, unknown
from covalent_control_plane.items import DispatchItem


def readers(owner: str, dispatch_id: str) -> Sharing:
    """The principals that a dispatch is shared with.

    Raises:
        NotFound: it is not there, or not the owner's.

    """
    return _shown(owned(owner, dispatch_id))


def share(aws: Aws, owner: str, dispatch_id: str, wanted: Sharing) -> Sharing:
    """Share a dispatch with these principals and no others.

    Raises:
        NotFound: it is not there, or not the owner's.

    """
    people = aws.settings.people
    principals = {principal_of(each, people=people) for each in wanted.shared_with}
    if not store.share(dispatch_id, owner, principals):
        raise unknown(dispatch_id)
    return Sharing(shared_with=sorted(principals))


def _shown(item: DispatchItem) -> Sharing:
    return Sharing(shared_with=sorted(item.shared_with or ()))
