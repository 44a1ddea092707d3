"""The fields of states, from JSON to moto's components."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_template_binding import (
    AssignTemplateBindingStringExpressionSimple,
    AssignTemplateBindingValue,
)
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_array import (
    AssignTemplateValueArray,
)
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_object import (
    AssignTemplateValueObject,
)
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_terminal import (
    AssignTemplateValueTerminalLit,
)
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
from moto.stepfunctions.parser.asl.component.common.parargs import Parameters
from moto.stepfunctions.parser.asl.component.common.path.input_path import InputPath
from moto.stepfunctions.parser.asl.component.common.path.items_path import ItemsPath
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
    StringExpressionSimple,
    StringIntrinsicFunction,
    StringJsonPath,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import HeartbeatSeconds
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.state_map.execution_type import (
    ExecutionType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_selector import (
    ItemSelector,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.processor_config import (
    ProcessorConfig,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.label import Label
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import (
    MaxConcurrency,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.mode import Mode
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountInt,
    ToleratedFailurePercentage,
)
from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

Json = Mapping[str, Any]
_VARIABLE = re.compile(r"\$[A-Za-z_]")


class Unknown(Exception):
    """The definition uses more of the language than is built here."""


def exhausted(fields: Json) -> None:
    """Make sure that every field was understood.

    Raises:
        Unknown: one is left.

    """
    if fields:
        raise Unknown(", ".join(fields))


def template(value: Json) -> PayloadTmpl:
    """JSON with paths in it."""
    return PayloadTmpl([_binding(name, each) for name, each in value.items()])


def _binding(name: str, value: Any) -> Any:
    if name.endswith(".$"):
        return PayloadBindingStringExpressionSimple(name.removesuffix(".$"), _expression(value))
    return PayloadBindingValue(name, _payload(value))


def _expression(text: str) -> StringExpressionSimple:
    return _intrinsic(text) if text.startswith("States.") else _path(text)


@lru_cache(1024)
def _intrinsic(text: str) -> StringIntrinsicFunction:
    """A function call. Only these few characters go through ANTLR."""
    if _VARIABLE.search(text):
        raise Unknown(text)
    return StringIntrinsicFunction(text, IntrinsicParser.parse(text)[0])


def _path(text: str) -> StringJsonPath:
    if text.startswith("$$."):
        return StringContextPath(text)
    if text == "$" or text.startswith(("$.", "$[")):
        return StringJsonPath(text)
    raise Unknown(text)


def _payload(value: Any) -> Any:
    if isinstance(value, dict):
        return template(value)
    if isinstance(value, list):
        return PayloadArr([_payload(each) for each in value])
    return PayloadValueLit(val=value)


def _selector(value: Json) -> ItemSelector:
    return ItemSelector(_assigned(value))


def _assigned(value: Any) -> Any:
    """What `_payload` makes, in the other classes that moto has for the same."""
    if isinstance(value, dict):
        return AssignTemplateValueObject([_assignment(*each) for each in value.items()])
    if isinstance(value, list):
        return AssignTemplateValueArray([_assigned(each) for each in value])
    return AssignTemplateValueTerminalLit(value)


def _assignment(name: str, value: Any) -> Any:
    if name.endswith(".$"):
        name, expression = name.removesuffix(".$"), _expression(value)
        return AssignTemplateBindingStringExpressionSimple(name, expression)
    return AssignTemplateBindingValue(name, _assigned(value))


@dataclass(frozen=True)
class Batcher:
    """How the items of a distributed Map are put together."""

    count: int | None
    size: int | None
    shared: PayloadTmpl | None


def batcher(value: Json) -> Batcher:
    """An `ItemBatcher`."""
    fields = dict(value)
    count, size = fields.pop("MaxItemsPerBatch", None), fields.pop("MaxInputBytesPerBatch", None)
    shared = fields.pop("BatchInput", None)
    exhausted(fields)
    if not count and not size:
        raise Unknown("ItemBatcher without a limit")
    return Batcher(count, size, None if shared is None else template(shared))


def processor_config(value: Json) -> ProcessorConfig:
    """The `ProcessorConfig` of a Map."""
    fields = dict(value)
    mode = Mode[fields.pop("Mode", "INLINE").capitalize()]
    kind = ExecutionType[fields.pop("ExecutionType", "STANDARD").capitalize()]
    exhausted(fields)
    return ProcessorConfig(mode, kind)


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
    exhausted(fields)
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
    exhausted(fields)
    return CatcherDecl(errors, target, path, assign=None, output=None, comment=None)


FIELDS: dict[str, Any] = {
    "Comment": Comment,
    "Next": Next,
    "End": End,
    "Parameters": lambda value: Parameters(template(value)),
    "ResultSelector": lambda value: ResultSelector(template(value)),
    "ResultPath": ResultPath,
    "InputPath": lambda value: InputPath(None if value is None else _path(value)),
    "OutputPath": lambda value: OutputPath(None if value is None else _path(value)),
    "TimeoutSeconds": TimeoutSeconds,
    "HeartbeatSeconds": HeartbeatSeconds,
    "ItemsPath": lambda value: ItemsPath(_path(value)),
    "ItemSelector": _selector,
    "MaxConcurrency": MaxConcurrency,
    "ToleratedFailureCount": ToleratedFailureCountInt,
    "ToleratedFailurePercentage": lambda value: ToleratedFailurePercentage(float(value)),
    "Label": Label,
    "Retry": lambda value: RetryDecl([_retrier(each) for each in value]),
    "Catch": lambda value: CatchDecl([_catcher(each) for each in value]),
}
"""How each field of a state is read; those that depend on the type of the state are read with it."""
