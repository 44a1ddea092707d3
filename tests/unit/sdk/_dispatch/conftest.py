"""Runs packages."""

from __future__ import annotations

import operator
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from covalent_contracts import pickling
from covalent_contracts.hooks import Hooks
from covalent_contracts.manifest import Asset, Manifest, Node, NodeKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from covalent._dispatch.packaging import Package


class Interpreter:
    """Runs a package, one node at a time, from nothing but its bytes."""

    def __init__(self, package: Package) -> None:
        self.manifest = Manifest.model_validate_json(package.manifest.model_dump_json())
        self.objects = package.objects
        self.value = cache(self._value)

    def bytes_of(self, asset: Asset) -> bytes:
        home = self.objects[asset.pack or asset.digest]
        data = home[asset.offset : asset.offset + asset.size]
        assert sha256(data).hexdigest() == asset.digest
        return data

    def load(self, asset: Asset | None, resolve: Callable[[int], Any] | None = None) -> Any:
        assert asset is not None
        return pickling.loads(self.bytes_of(asset), resolve)

    def result(self) -> Any:
        return self.load(self.manifest.recipe, self.value)

    def _value(self, node_id: int) -> Any:
        node = self.manifest.nodes[node_id]
        edges = [edge for edge in self.manifest.edges if edge.target == node_id]
        positional = sorted((e for e in edges if e.kind == "arg"), key=lambda e: e.index)
        match node.kind:
            case NodeKind.PARAMETER:
                return self.load(node.value)
            case NodeKind.COLLECTION:
                return self.load(node.value, self.value)
        args = [self.value(edge.source) for edge in positional]
        match node.kind:
            case NodeKind.ITEM:
                return args[0][args[1]]
            case NodeKind.ATTRIBUTE:
                return getattr(args[0], node.op)
            case NodeKind.OPERATOR:
                return getattr(operator, node.op)(*args)
        kwargs = {edge.name: self.value(edge.source) for edge in edges if edge.kind == "kwarg"}
        return self._run(node, args, kwargs)

    def _run(self, node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        hooks = self.load(node.hooks) if node.hooks else Hooks()
        for call in hooks.before:
            value = call.function(*call.args, **call.kwargs)
            if call.keyword:
                kwargs[call.keyword] = value
        return self.load(node.function)(*args, **kwargs)


@pytest.fixture(scope="session")
def run() -> Callable[[Package], Any]:
    """The value that a package's dispatch would give."""
    return lambda made: Interpreter(made).result()
