"""From what a try made to what is recorded: values get their digest and their place."""

from collections.abc import Sequence

from covalent_contracts import clock, keys, records, transport
from covalent_contracts.ids import digest_of
from covalent_contracts.status import Status
from covalent_runner.execute import Computed
from covalent_runner.store import Outcome, Output, Store


def stored(store: Store, dispatch_id: str, node: int, data: bytes) -> Output:
    """Describe a pickled output; a large one is put into storage, under its digest, so that a commit may name it."""
    output = Output(
        digest=digest_of(data),
        size=len(data),
        kind=transport.split(data)[0].type,
        inline=data if len(data) <= records.INLINE_OUTPUT else None,
    )
    if output.inline is None:
        store.put(keys.output(dispatch_id, node, output.digest), data)
    return output


def attached(store: Store, dispatch_id: str, node: int, data: bytes) -> dict[str, str]:
    """Put what an electron has left beside its output into storage; the attributes by which its record names it."""
    if not data:
        return {}
    key = keys.attachments(dispatch_id, node, digest_of(data))
    store.put(key, data)
    return {"attachments_key": key}


def of_lights(store: Store, dispatch_id: str, computed: Sequence[Computed]) -> list[Outcome]:
    """The outcomes of light nodes; they start and end at once."""
    at = clock.now()
    return [
        Outcome(
            node=light.node,
            status=Status.FAILED if light.data is None else Status.COMPLETED,
            started=at,
            ended=at,
            output=None
            if light.data is None
            else stored(store, dispatch_id, light.node, light.data),
            error=light.error,
        )
        for light in computed
    ]
