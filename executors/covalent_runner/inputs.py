"""The bytes that an electron needs, each checked against its recorded digest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from covalent_contracts import keys
from covalent_contracts.errors import CorruptedObject
from covalent_contracts.ids import digest_of
from covalent_contracts.sheet import Light, Page, Ref, Sheet
from covalent_contracts.status import Status
from covalent_runner.errors import UpstreamFailed
from covalent_runner.store import Objects, Output, Record, Store


@dataclass(frozen=True)
class Inputs:
    """Pickled values: assets by digest, recorded outputs by node."""

    assets: Mapping[str, bytes]
    outputs: Mapping[int, bytes]


def completed(store: Store, dispatch_id: str, sheet: Sheet) -> Mapping[int, Record]:
    """The records of everything the electron needs.

    Raises:
        UpstreamFailed: one of them is not COMPLETED.

    """
    needed = tuple(dict.fromkeys((*sheet.inputs, *sheet.waits)))
    if not needed:
        return {}
    found = store.records(dispatch_id, needed)
    for node in needed:
        record = found.get(node)
        if record is None or record.status is not Status.COMPLETED:
            status = Status.NEW_OBJECT if record is None else record.status
            raise UpstreamFailed(f"electron {sheet.id} needs node {node}, which is {status.value}")
    return found


def lights_of(sheet: Sheet) -> tuple[Light, ...]:
    """Every light node that rides along with the electron."""
    own = () if sheet.light is None else (sheet.light,)
    return (*sheet.before, *own, *sheet.after)


def keys_of(page: Page, sheet: Sheet, records: Mapping[int, Record]) -> tuple[str, ...]:
    """The keys of the objects that `fetch` reads."""
    homes = _homes(page, dict(_refs(sheet)))
    places = _places(page, {node: _output(node, records[node]) for node in sheet.inputs})
    return tuple({*homes.values(), *places.values()})


def fetch(store: Objects, page: Page, sheet: Sheet, records: Mapping[int, Record]) -> Inputs:
    """Read the assets of the sheet and the outputs of its inputs.

    Raises:
        CorruptedObject: something is missing or does not match its digest.

    """
    refs = dict(_refs(sheet))
    outputs = {node: _output(node, records[node]) for node in sheet.inputs}
    homes, places = _homes(page, refs), _places(page, outputs)
    objects = store.objects(tuple({*homes.values(), *places.values()}))
    return Inputs(
        assets={
            ref.digest: _asset(what, ref, objects.get(homes[what])) for what, ref in refs.items()
        },
        outputs={
            node: _checked(
                f"the output of node {node}",
                output.digest,
                objects.get(places[node]) if node in places else output.inline,
            )
            for node, output in outputs.items()
        },
    )


def _homes(page: Page, refs: Mapping[str, Ref]) -> Mapping[str, str]:
    return {what: keys.asset(page.owner, ref.pack or ref.digest) for what, ref in refs.items()}


def _places(page: Page, outputs: Mapping[int, Output]) -> Mapping[int, str]:
    return {
        node: keys.output(page.dispatch_id, node, output.digest)
        for node, output in outputs.items()
        if output.inline is None
    }


def _refs(sheet: Sheet) -> Iterator[tuple[str, Ref]]:
    if sheet.function is not None:
        yield "the function", sheet.function
    if sheet.hooks is not None:
        yield "the hooks", sheet.hooks
    for light in lights_of(sheet):
        if light.value is not None:
            yield f"the value of node {light.id}", light.value


def _output(node: int, record: Record) -> Output:
    if record.output is None:
        raise CorruptedObject(f"node {node} is COMPLETED, but no output of it is recorded")
    return record.output


def _asset(what: str, ref: Ref, home: bytes | None) -> bytes:
    if home is not None and ref.pack:
        home = home[ref.offset : ref.offset + ref.size]
    return _checked(what, ref.digest, home)


def _checked(what: str, digest: str, data: bytes | None) -> bytes:
    if data is None:
        raise CorruptedObject(f"{what} is missing in storage (sha256 {digest})")
    if digest_of(data) != digest:
        raise CorruptedObject(
            f"{what} does not match its recorded digest (sha256 {digest}): "
            "the stored bytes were truncated or altered"
        )
    return data
