"""The OpenAPI document, made from the table of operations and the pydantic models they name."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from chalice.app import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from covalent_contracts.api import PREFIX, Problem
from covalent_control_plane.problems import CONTENT_TYPE

_REFERENCE = "#/components/schemas/{model}"
_IN_PATH = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Query:
    """A query parameter."""

    name: str
    schema: dict[str, Any]
    description: str


@dataclass(frozen=True)
class Operation:
    """One route: what it takes, gives, and which errors it has beside 401, 403, 415, 500 and 503."""

    method: str
    path: str
    handler: Callable[..., Response]
    answer: type[BaseModel] | None = None
    status: HTTPStatus = HTTPStatus.OK
    body: type[BaseModel] | None = None
    query: tuple[Query, ...] = ()
    errors: tuple[HTTPStatus, ...] = ()
    is_public: bool = False

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]


def document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    models = {each for op in operations for each in (op.body, op.answer) if each} | {Problem}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REFERENCE
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        item = paths.setdefault(PREFIX + operation.path, {})
        item[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Covalent control plane", "version": version},
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"sigv4": _SIGV4}},
        "security": [{"sigv4": []}],
    }


_SIGV4 = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "description": "AWS Signature Version 4, service execute-api",
}


_OF_SIGNED = (
    HTTPStatus.UNAUTHORIZED,  # offline only, without the token
    HTTPStatus.FORBIDDEN,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    parameters = [_path_parameter(name) for name in _IN_PATH.findall(operation.path)]
    parameters += [_parameter(each) for each in operation.query]
    if parameters:
        document["parameters"] = parameters
    if operation.body is not None:
        document["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.is_public:
        document["security"] = []
    return document


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameter(query: Query) -> dict[str, Any]:
    return {
        "name": query.name,
        "in": "query",
        "required": False,
        "schema": query.schema,
        "description": query.description,
    }


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": operation.status.phrase}
    if operation.answer is not None:
        success["content"] = _content(operation.answer)
    own = () if operation.is_public else _OF_SIGNED
    body = (HTTPStatus.UNSUPPORTED_MEDIA_TYPE,) if operation.body is not None else ()
    failures = {*operation.errors, *own, *body, HTTPStatus.INTERNAL_SERVER_ERROR}
    problem = {CONTENT_TYPE: {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}}}
    answers = {
        str(status.value): {"description": status.phrase, "content": problem}
        for status in sorted(failures)
    }
    return {str(operation.status.value): success, **answers}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}
