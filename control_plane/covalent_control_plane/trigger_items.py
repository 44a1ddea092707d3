"""The items of triggers in the single DynamoDB table, as PynamoDB models.

Attributes and who writes them are in `covalent_contracts.records`.
"""

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from covalent_contracts import records
from covalent_contracts.triggers import Overlap, State
from covalent_control_plane.items import BY_OWNER, TTL_ATTRIBUTE, IntegerAttribute, Table


class ByOwner(GlobalSecondaryIndex["TriggerItem"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped
    """Triggers by owner and time: the index of dispatches, in partitions of their own (`records.triggers_of`)."""

    owner = UnicodeAttribute(hash_key=True)
    created = IntegerAttribute(range_key=True)

    class Meta:
        """The index."""

        index_name = BY_OWNER
        projection = AllProjection()
        billing_mode = "PAY_PER_REQUEST"


class TriggerItem(Model):
    """A trigger."""

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default=records.TRIGGER)
    owner = UnicodeAttribute()
    created = IntegerAttribute()
    dispatch_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    settings = UnicodeAttribute()
    overlap = UnicodeAttribute()
    state = UnicodeAttribute()
    fired = IntegerAttribute(null=True)
    runs: ListAttribute[str] = ListAttribute(null=True)
    running = UnicodeAttribute(null=True)
    held = IntegerAttribute(null=True)
    pending = UnicodeSetAttribute(null=True)
    ticking = UnicodeAttribute(null=True)
    by_owner = ByOwner()

    @property
    def trigger_id(self) -> str:
        """The id within the partition key."""
        return self.pk.partition("#")[2]

    @property
    def principal(self) -> str:
        """The owner, as dispatches have it."""
        return self.owner.partition("#")[2]

    @property
    def is_active(self) -> bool:
        """Whether it still fires."""
        return self.state == State.ACTIVE

    @property
    def may_overlap(self) -> bool:
        """Whether a run may begin before the one before has ended."""
        return self.overlap == Overlap.ALLOW


class EventItem(Model):
    """An event that a trigger has seen. Without an outcome, whoever was at it may have died: it is done again."""

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    outcome = UnicodeAttribute(null=True)
    run = UnicodeAttribute(null=True)
    complete = BooleanAttribute(null=True)
    ttl = IntegerAttribute(attr_name=TTL_ATTRIBUTE)


class WaitingItem(Model):
    """A run that waits for the one before to end."""

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    run = UnicodeAttribute()
    event = UnicodeAttribute()
