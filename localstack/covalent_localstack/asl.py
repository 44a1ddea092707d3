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
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from moto.stepfunctions.parser.asl.component.common.catch.catch_decl import CatchDecl
from moto.stepfunctions.parser.asl.component.common.catch.catcher_decl import CatcherDecl
from moto.stepfunctions.parser.asl.component.common.comment import Comment
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.flow.end import End
from moto.stepfunctions.parser.asl.component.common.flow.next import Next
from moto.stepfunctions.parser.asl.component.common.flow.start_at import StartAt
from moto.stepfunctions.parser.asl.component.common.parargs import Parameters
from moto.stepfunctions.parser.asl.component.common.path.input_path import InputPath
from moto.stepfunctions.parser.asl.component.common.path.output_path import OutputPath
from moto.stepfunctions.parser.asl.component.common.path.result_path import ResultPath
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadarr.payload_arr import (
    PayloadArr,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding.payload_binding import (
    PayloadBindingStringExpressionSimple,
    PayloadBindingValue,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadtmpl.payload_tmpl import (
    PayloadTmpl,
)
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadvaluelit.payload_value_lit import (
    PayloadValueLit,
)
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguage
from moto.stepfunctions.parser.asl.component.common.result_selector import ResultSelector
from moto.stepfunctions.parser.asl.component.common.retry.backoff_rate_decl import BackoffRateDecl
from moto.stepfunctions.parser.asl.component.common.retry.interval_seconds_decl import (
    IntervalSecondsDecl,
)
from moto.stepfunctions.parser.asl.component.common.retry.jitter_strategy_decl import (
    JitterStrategy,
    JitterStrategyDecl,
)
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsDecl
from moto.stepfunctions.parser.asl.component.common.retry.max_delay_seconds_decl import (
    MaxDelaySecondsDecl,
)
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retry_decl import RetryDecl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringContextPath,
    StringJsonPath,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import HeartbeatSeconds
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.component import Component
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.program.states import States
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
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.state_props import StateProps
from moto.stepfunctions.parser.asl.component.state.state_succeed.state_succeed import StateSucceed
from moto.stepfunctions.parser.asl.component.state.state_type import StateType
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser

from covalent_localstack.patching import replace

Json = Mapping[str, Any]
KEPT = 256
"""Parsed definitions that are remembered."""


class Unknown(Exception):
    """The definition uses more of the language than is built here."""


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
    _exhausted(fields)
    built = States()
    built.states.update({name: _state(name, state) for name, state in states.items()})
    return Program(
        query_language=QueryLanguage(),
        start_at=StartAt(start_at_name=start),
        states=built,
        timeout_seconds=None if timeout is None else TimeoutSeconds(timeout),
        comment=None if comment is None else Comment(comment),
    )


def _exhausted(fields: Json) -> None:
    if fields:
        raise Unknown(", ".join(fields))


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
        if field not in _FIELDS:
            raise Unknown(field)
        props.add(_FIELDS[field](value))
    made.from_state_props(props)
    return made


def _task(fields: dict[str, Any], props: StateProps) -> Any:
    resource = Resource.from_resource_arn(fields.pop("Resource"))
    props.add(resource)
    return state_task_for(resource)


def _parallel(fields: dict[str, Any], props: StateProps) -> Any:
    props.add(BranchesDecl([program(branch) for branch in fields.pop("Branches")]))
    return StateParallel()


def _pass(fields: dict[str, Any], _: StateProps) -> Any:
    if "Result" in fields:
        raise Unknown("Result")
    return StatePass()


def _succeed(_: dict[str, Any], __: StateProps) -> Any:
    return StateSucceed()


_KINDS = {"Task": _task, "Parallel": _parallel, "Pass": _pass, "Succeed": _succeed}


def _template(value: Json) -> PayloadTmpl:
    return PayloadTmpl([_binding(name, each) for name, each in value.items()])


def _binding(name: str, value: Any) -> Any:
    if name.endswith(".$"):
        return PayloadBindingStringExpressionSimple(name.removesuffix(".$"), _path(value))
    return PayloadBindingValue(name, _payload(value))


def _path(text: str) -> StringJsonPath:
    if text.startswith("$$."):
        return StringContextPath(text)
    if text == "$" or text.startswith(("$.", "$[")):
        return StringJsonPath(text)
    raise Unknown(text)


def _payload(value: Any) -> Any:
    if isinstance(value, dict):
        return _template(value)
    if isinstance(value, list):
        return PayloadArr([_payload(each) for each in value])
    return PayloadValueLit(val=value)


def _errors(names: list[str]) -> ErrorEqualsDecl:
    known = (
        StatesErrorName.from_name(each) if each.startswith("States.") else CustomErrorName(each)
        for each in names
    )
    return ErrorEqualsDecl(list(known))


def _retrier(value: Json) -> RetrierDecl:
    fields = dict(value)
    errors = _errors(fields.pop("ErrorEquals"))
    options: dict[str, Any] = {}
    for name, (option, make) in _RETRY.items():
        if name in fields:
            options[option] = make(fields.pop(name))
    fields.pop("Comment", None)
    _exhausted(fields)
    return RetrierDecl(errors, **options)


_RETRY: dict[str, tuple[str, Any]] = {
    "IntervalSeconds": ("interval_seconds", IntervalSecondsDecl),
    "MaxAttempts": ("max_attempts", MaxAttemptsDecl),
    "BackoffRate": ("backoff_rate", lambda rate: BackoffRateDecl(float(rate))),
    "MaxDelaySeconds": ("max_delay_seconds", MaxDelaySecondsDecl),
    "JitterStrategy": ("jitter_strategy", lambda name: JitterStrategyDecl(JitterStrategy[name])),
}


def _catcher(value: Json) -> CatcherDecl:
    fields = dict(value)
    errors, target = _errors(fields.pop("ErrorEquals")), Next(fields.pop("Next"))
    path = ResultPath(fields.pop("ResultPath", "$"))
    fields.pop("Comment", None)
    _exhausted(fields)
    return CatcherDecl(errors, target, path, assign=None, output=None, comment=None)


_FIELDS: dict[str, Any] = {
    "Comment": Comment,
    "Next": Next,
    "End": End,
    "Parameters": lambda value: Parameters(_template(value)),
    "ResultSelector": lambda value: ResultSelector(_template(value)),
    "ResultPath": ResultPath,
    "InputPath": lambda value: InputPath(None if value is None else _path(value)),
    "OutputPath": lambda value: OutputPath(None if value is None else _path(value)),
    "TimeoutSeconds": TimeoutSeconds,
    "HeartbeatSeconds": HeartbeatSeconds,
    "Retry": lambda value: RetryDecl([_retrier(each) for each in value]),
    "Catch": lambda value: CatchDecl([_catcher(each) for each in value]),
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
    """Analysers look for variables and intrinsic functions; what is built here has neither."""
    _, tree = parse(definition)
    if tree is not None:
        self.visit(tree)


def install() -> None:
    """Repair moto."""
    replace(Component, "__repr__", _name)
    replace(Component, "__str__", _name)
    replace(AmazonStateLanguageParser, "parse", staticmethod(parse))
    replace(StaticAnalyser, "analyse", _analyse)
