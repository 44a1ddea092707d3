from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.unit.control_plane.conftest import Api

from covalent_contracts.api import PREFIX
from covalent_contracts.ticket import TICKETS
from covalent_control_plane.application import app
from covalent_control_plane.routes import OPERATIONS


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    answer = api.get(f"{PREFIX}/openapi.json")
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_it_names_exactly_the_routes_that_are_served(document: dict[str, Any]) -> None:
    told = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    served = {(path, method) for path, methods in app.routes.items() for method in methods}
    assert told == served


def test_every_route_but_health_and_renewals_is_signed() -> None:
    unsigned = [
        path
        for path, methods in app.routes.items()
        for entry in methods.values()
        if getattr(entry.authorizer, "name", None) != "sigv4"
    ]
    assert unsigned == [TICKETS, f"{PREFIX}/health"]


def test_the_routes_are_those_of_the_contract() -> None:
    from covalent_contracts import api, triggers

    lines = f"{api.__doc__}{triggers.__doc__}".splitlines()
    promised = {tuple(line.split()[:2]) for line in lines if f" {PREFIX}/" in line}
    served = {(each.method, PREFIX + each.path) for each in OPERATIONS}
    shown = {
        (method, path.replace("{dispatch_id}", "{id}").replace("{trigger_id}", "{id}"))
        for method, path in served
    }
    assert shown == promised


def test_health_tells_what_the_deployment_is(api: Api) -> None:
    api.principal = None  # type: ignore[assignment]  # nobody is signed in
    health = api.get(f"{PREFIX}/health")
    assert (health.status, health.body["pythons"], health.body["wire"]) == (200, ["3.11"], 1)
