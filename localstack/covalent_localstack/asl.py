"""Definitions of state machines, from JSON to moto's components without ANTLR.

Defects of moto that are repaired here, each with a canary in tests/unit/localstack/test_canaries.py:

- CreateStateMachine and every StartExecution parse with ANTLR, in seconds for a thousand states -> built from JSON
  once, in milliseconds
- a component is written out with all that is in it, for error messages that are never raised -> by its name

The part of the Amazon States Language that our compiler writes is built directly, and every result is kept. Any
other definition goes to moto's own parser.
"""

import json
import threading
from collections import OrderedDict
from hashlib import sha256
from typing import Any, cast

from moto.stepfunctions.parser.asl.component.common.comment import Comment
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguage
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.component import Component
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.program.states import States
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.item_processor_decl import (
    ItemProcessorDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_factory import (
    state_task_for,
)
from moto.stepfunctions.parser.asl.component.state.state_pass.result import Result
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.state_props import StateProps
from moto.stepfunctions.parser.asl.component.state.state_succeed.state_succeed import StateSucceed
from moto.stepfunctions.parser.asl.component.state.state_type import StateType
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser

from covalent_localstack import asl_fields
from covalent_localstack.asl_fields import FIELDS, Json, Unknown, exhausted
from covalent_localstack.patching import replace

KEPT = 256
"""Parsed definitions that are remembered."""


def program(definition: Json) -> Program:
    """Build the components of a definition, or of a branch.

    Raises:
        Unknown: moto's parser must do it.

    """
    fields = dict(definition)
    start, states = fields.pop("StartAt"), fields.pop("States")
    timeout = fields.pop("TimeoutSeconds", None)
    comment = fields.pop("Comment", None)
    if (
        fields.pop("QueryLanguage", "JSONPath") != "JSONPath"
        or fields.pop("Version", "1.0") != "1.0"
    ):
        raise Unknown
    exhausted(fields)
    built = States()
    built.states.update({name: _state(name, state) for name, state in states.items()})
    return Program(
        query_language=QueryLanguage(),
        start_at=StartAt(start_at_name=start),
        states=built,
        timeout_seconds=None if timeout is None else TimeoutSeconds(timeout),
        comment=None if comment is None else Comment(comment),
    )


def _state(name: str, state: Json) -> Any:
    fields = dict(state)
    kind = fields.pop("Type")
    if kind not in _KINDS:
        raise Unknown(kind)
    props = StateProps()
    props.name = name
    props.add(QueryLanguage())
    props.add(StateType[kind])
    made = _KINDS[kind](fields, props)
    for field, value in fields.items():
        if field not in FIELDS:
            raise Unknown(field)
        props.add(FIELDS[field](value))
    made.from_state_props(props)
    return made


def _task(fields: dict[str, Any], props: StateProps) -> Any:
    resource = Resource.from_resource_arn(fields.pop("Resource"))
    props.add(resource)
    return state_task_for(resource)


def _parallel(fields: dict[str, Any], props: StateProps) -> Any:
    props.add(BranchesDecl([program(branch) for branch in fields.pop("Branches")]))
    return StateParallel()


def _map(fields: dict[str, Any], props: StateProps) -> Any:
    processor = dict(fields.pop("ItemProcessor"))
    config = asl_fields.processor_config(processor.pop("ProcessorConfig", {}))
    inner = program(processor)
    if inner.timeout_seconds is not None:
        raise Unknown("TimeoutSeconds")
    inner_parts = (inner.comment, inner.query_language, inner.start_at, inner.states)
    props.add(ItemProcessorDecl(*inner_parts, processor_config=config))
    made = StateMap()
    if "ItemBatcher" in fields:  # moto has no such field
        made.batcher = asl_fields.batcher(fields.pop("ItemBatcher"))
    return made


def _pass(fields: dict[str, Any], props: StateProps) -> Any:
    if "Result" in fields:
        props.add(Result(result_obj=fields.pop("Result")))
    return StatePass()


def _succeed(_: dict[str, Any], __: StateProps) -> Any:
    return StateSucceed()


_KINDS = {
    "Task": _task,
    "Parallel": _parallel,
    "Map": _map,
    "Pass": _pass,
    "Succeed": _succeed,
}


_stock_parse = AmazonStateLanguageParser.parse
_stock_analyse = StaticAnalyser.analyse
_parsed: OrderedDict[bytes, tuple[Any, Any]] = OrderedDict()
_lock = threading.Lock()


def parse(definition: str) -> tuple[Any, Any]:
    """The components of a definition, and ANTLR's tree where it was needed."""
    name = sha256(definition.encode()).digest()
    with _lock:
        if name in _parsed:
            _parsed.move_to_end(name)
            return _parsed[name]
        _parsed[name] = found = _parse(definition)
        if len(_parsed) > KEPT:
            _parsed.popitem(last=False)
    return found


def _parse(definition: str) -> tuple[Any, Any]:
    try:
        return program(json.loads(definition)), None
    except (Unknown, ValueError, KeyError, TypeError, AttributeError):
        # Not ours, or not correct: moto's parser decides, and words the error.
        return cast("tuple[Any, Any]", _stock_parse(definition))


def _name(self: Any) -> str:
    return type(self).__name__


def _analyse(self: Any, definition: str) -> None:
    """Analysers look for variables; what is built here has none."""
    _, tree = parse(definition)
    if tree is not None:
        self.visit(tree)


def install() -> None:
    """Repair moto."""
    replace(Component, "__repr__", _name)
    replace(Component, "__str__", _name)
    replace(AmazonStateLanguageParser, "parse", staticmethod(parse))
    replace(StaticAnalyser, "analyse", _analyse)
