"""What API Gateway answers by itself is a problem that the SDK reads."""

import json
import re

import pytest

from covalent._deploy import gateway_responses, sources
from covalent_contracts import errors
from covalent_contracts.api import GATEWAY, Problem

EXTENSION = gateway_responses.extension()
MESSAGE = "$context.error.messageString"


@pytest.mark.parametrize("name", EXTENSION)
def test_each_is_a_problem_of_its_status(name: str) -> None:
    response = EXTENSION[name]
    template = response["responseTemplates"]["application/json"]
    assert template.count(MESSAGE) == 1
    said = 'Who are you? "Nobody"'
    problem = Problem.model_validate_json(template.replace(MESSAGE, json.dumps(said)))
    assert str(problem.status) == response["statusCode"]
    assert problem.detail == said
    assert problem.extra[GATEWAY] == name
    assert issubclass(getattr(errors, problem.code), errors.CovalentError)


def test_only_what_api_gateway_knows_is_in_them() -> None:
    """Variables of other kinds would be sent as they stand; `${` would be Terraform's."""
    text = json.dumps(EXTENSION)
    assert "${" not in text
    assert set(re.findall(r"\$[\w.]+", text)) == {MESSAGE}


def test_they_are_what_is_deployed() -> None:
    module = sources.terraform() / "modules" / "api" / "chalice.tf.json"
    description = json.loads(module.read_text())["locals"]["api_description"]
    assert description["x-amazon-apigateway-gateway-responses"] == EXTENSION
