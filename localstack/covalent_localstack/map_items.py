"""What the iterations of a Map get: the items, selected and put together in batches."""

from collections.abc import Callable, Iterator
from typing import Any

from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def selector(state: Any, env: Any) -> Callable[[Any, int, Any], Any]:
    """How the input of an iteration is made from its frame, index and item.

    The environment has the input of the state on top of its stack.
    """
    source = state.item_selector or state.parameters
    whole = env.stack[-1]

    def select(frame: Any, index: int, item: Any) -> Any:
        data = frame.states.context_object.context_object_data
        data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        if source is None:
            return item
        frame.stack.append(whole)
        source.eval(frame)
        selected = frame.stack.pop()
        frame.stack.clear()
        return selected

    return select


def batches(state: Any, env: Any, items: list[Any]) -> Iterator[tuple[Any, int]]:
    """The inputs of the children, and how many items each has."""
    select = selector(state, env)
    frame = env.open_inner_frame()
    env.delete_frame(frame)
    selected = (select(frame, index, item) for index, item in enumerate(items))
    batcher = getattr(state, "batcher", None)
    if batcher is None:
        yield from ((each, 1) for each in selected)
        return
    shared = {}
    if batcher.shared:
        frame.stack.append(env.stack[-1])
        batcher.shared.eval(frame)
        shared = {"BatchInput": frame.stack.pop()}
    for batch in _split(selected, batcher.count, batcher.size):
        yield {**shared, "Items": batch}, len(batch)


def _split(items: Iterator[Any], count: int | None, size: int | None) -> Iterator[list[Any]]:
    batch: list[Any] = []
    used = 0
    for item in items:
        needs = len(to_json_str(item)) if size else 0
        if batch and (len(batch) == count or (size and used + needs > size)):
            yield batch
            batch, used = [], 0
        batch.append(item)
        used += needs
    if batch:
        yield batch
