"""What botocore's model says of Amazon Braket: requests are checked against it, as AWS does."""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

Json = dict[str, Any]


class Refusal(Exception):
    """An error of the service, by its name in the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """Its HTTP status."""
        metadata = _model().shape_for(self.code).metadata
        return int(metadata.get("error", {}).get("httpStatusCode", 400))


def invalid(message: str) -> Refusal:
    """A request that the service does not take."""
    return Refusal("ValidationException", message)


def status(operation: str) -> int:
    """The HTTP status of an operation that was done."""
    return int(_model().operation_model(operation).http["responseCode"])


def check(operation: str, request: Json) -> None:
    """Check a request.

    Raises:
        Refusal: it is not as the model has it.

    """
    shape: Any = _model().operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    faults = [report.generate_report()] if report.has_errors() else list(_faults(request, shape))
    if faults:
        raise invalid("; ".join(faults))


def _faults(value: Any, shape: Any, path: str = "request") -> list[str]:
    """What botocore leaves to the service: patterns, longest values and enumerations."""
    match shape.type_name:
        case "structure":
            inner = [
                (value[name], each, name) for name, each in shape.members.items() if name in value
            ]
        case "list":
            inner = [(each, shape.member, "[]") for each in value]
        case "map":
            inner = [(each, shape.value, name) for name, each in value.items()]
        case "string":
            return _faults_of_text(value, shape, path)
        case _:
            return []
    return [fault for each, of, name in inner for fault in _faults(each, of, f"{path}.{name}")]


def _faults_of_text(value: str, shape: Any, path: str) -> list[str]:
    rules = shape.metadata
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        return [f"{path} must satisfy {rules['pattern']}"]
    if len(value) > rules.get("max", len(value)):
        return [f"{path} has {len(value)} characters, {rules['max']} are allowed"]
    if "enum" in rules and value not in rules["enum"]:
        return [f"{path} must be one of {', '.join(rules['enum'])}"]
    return []


@cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("braket")
