"""The items of the single DynamoDB table, as PynamoDB models: dispatches, drafts, and nodes.

Attributes and who writes them are in `covalent_contracts.records`.
"""

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.constants import NUMBER
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from covalent_contracts import records
from covalent_contracts.status import Status

BY_OWNER = "by_owner"
BY_STARTING = "by_starting"
TTL_ATTRIBUTE = "ttl"


class IntegerAttribute(Attribute[int]):
    """A whole number; PynamoDB's own numbers may be fractions."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        """As DynamoDB wants it."""
        return str(value)

    def deserialize(self, value: str) -> int:
        """As Python wants it."""
        return int(value)


class ByOwner(GlobalSecondaryIndex["DispatchItem"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves it untyped
    """Dispatches by owner and time. Drafts have no `owner`, nodes neither: the index is sparse."""

    owner = UnicodeAttribute(hash_key=True)
    created = IntegerAttribute(range_key=True)

    class Meta:
        """The index."""

        index_name = BY_OWNER
        projection = AllProjection()
        billing_mode = "PAY_PER_REQUEST"


class ByStarting(GlobalSecondaryIndex["DispatchItem"]):  # type: ignore[no-untyped-call]  # as above
    """Dispatches that are STARTING, by when they were registered. No other item has `starting`."""

    starting = UnicodeAttribute(hash_key=True)
    created = IntegerAttribute(range_key=True)

    class Meta:
        """The index."""

        index_name = BY_STARTING
        projection = KeysOnlyProjection()
        billing_mode = "PAY_PER_REQUEST"


class Table:
    """What all models have in common; `bind` names the table."""

    table_name = ""
    region: str | None = None
    billing_mode = "PAY_PER_REQUEST"
    max_pool_connections = 32
    # So that the client gets an answer before API Gateway gives up on us, after 29 s.
    connect_timeout_seconds = 2
    read_timeout_seconds = 5
    max_retry_attempts = 2


class DispatchItem(Model):
    """A dispatch. `manifest` is the digest of its manifest, `machine` the name of its state machine.

    That of a sublattice was not created but adopted; so it is in no index, and no listing shows it.
    """

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default=records.DISPATCH)
    owner = UnicodeAttribute()
    created = IntegerAttribute(null=True)
    adopted = IntegerAttribute(null=True)
    status = UnicodeAttribute()
    name = UnicodeAttribute()
    root_dispatch_id = UnicodeAttribute()
    nodes = IntegerAttribute()
    manifest = UnicodeAttribute()
    machine = UnicodeAttribute()
    execution = UnicodeAttribute(null=True)
    started = IntegerAttribute(null=True)
    ended = IntegerAttribute(null=True)
    error = UnicodeAttribute(null=True)
    has_failed = BooleanAttribute(null=True)
    has_cancelled = BooleanAttribute(null=True)
    electrons = JSONAttribute(null=True)
    redispatch_of = UnicodeAttribute(null=True)
    shared_with = UnicodeSetAttribute(null=True)
    asked = IntegerAttribute(null=True)
    starting = UnicodeAttribute(null=True)
    parent = UnicodeAttribute(null=True)
    parent_node = IntegerAttribute(null=True)
    depth = IntegerAttribute(null=True)
    fired_by = UnicodeAttribute(null=True)
    wakes = UnicodeAttribute(null=True)
    by_owner = ByOwner()
    by_starting = ByStarting()

    @property
    def dispatch_id(self) -> str:
        """The id within the partition key."""
        return self.pk.partition("#")[2]

    @property
    def since(self) -> int:
        """When it came to be."""
        return self.created or self.adopted or 0

    @property
    def state(self) -> Status:
        """The status as the enum."""
        return Status(self.status)


class DraftItem(Model):
    """A registered manifest. `pending` are the objects that were missing then and are checked at the start."""

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True, default=records.DRAFT)
    owner = UnicodeAttribute(attr_name="drafted_by")
    registered = IntegerAttribute()
    manifest = UnicodeAttribute()
    machine = UnicodeAttribute()
    pending = UnicodeSetAttribute(null=True)
    ttl = IntegerAttribute(attr_name=TTL_ATTRIBUTE)


class NodeItem(Model):
    """A node that has started, as the runner records it."""

    class Meta(Table):
        """The table; `bind` names it."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute()
    started = IntegerAttribute(null=True)
    ended = IntegerAttribute(null=True)
    digest = UnicodeAttribute(null=True)
    size = IntegerAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    output = BinaryAttribute(legacy_encoding=False, null=True)
    error = UnicodeAttribute(null=True)
    stdout = UnicodeAttribute(null=True)
    stderr = UnicodeAttribute(null=True)
    stdout_key = UnicodeAttribute(null=True)
    stderr_key = UnicodeAttribute(null=True)
    attachments_key = UnicodeAttribute(null=True)
    sub_dispatch_id = UnicodeAttribute(null=True)
    attempt = IntegerAttribute(null=True)
    job_handle = UnicodeAttribute(null=True)

    @property
    def dispatch_id(self) -> str:
        """The id within the partition key."""
        return self.pk.partition("#")[2]

    @property
    def node(self) -> int:
        """The id within the sort key."""
        return records.node_of(self.sk)

    @property
    def state(self) -> Status:
        """The status as the enum."""
        return Status(self.status)
