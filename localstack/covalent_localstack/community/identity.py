"""API Gateway with IAM authorization: a method that asks for it sees who signed the request, or refuses it.

Defects of LocalStack's community edition that are repaired here:

- PutRestApi overlooks that a description wants signatures: such methods become open ones -> AWS_IAM
- methods with AWS_IAM run for everybody -> 403 for requests without a signature
- `requestContext.identity` is empty -> says who signed

Signatures are not verified, as nowhere in LocalStack: the access key says who it is.
"""

from functools import lru_cache
from typing import Any

from localstack.aws.connect import connect_to
from localstack.runtime import hooks
from localstack.services.apigateway.legacy import provider
from localstack.services.apigateway.next_gen.execute_api import handlers
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    MissingAuthTokenError,
)

from covalent_localstack.community import refusals
from covalent_localstack.community.signatures import access_key, signed_methods

AWS_IAM = "AWS_IAM"
_stock_import = provider.import_api_from_openapi_spec


def _import_api(rest_api: Any, context: Any, open_api_spec: Any, mode: Any) -> Any:
    answer = _stock_import(rest_api, context=context, open_api_spec=open_api_spec, mode=mode)
    resources = {resource.get_path(): resource for resource in answer[0].resources.values()}
    for path, method in signed_methods(open_api_spec):
        if path in resources:
            resources[path].resource_methods[method].authorization_type = AWS_IAM
    refusals.keep(rest_api.id, open_api_spec)
    return answer


def identify(_chain: Any, context: Any, _response: Any) -> None:
    """Say who calls, if the method wants to know.

    Raises:
        MissingAuthTokenError: the method wants a signature, and there is none.

    """
    if context.resource_method.get("authorizationType") != AWS_IAM:
        return
    key = access_key(context.request.headers.get("Authorization"))
    if key is None:
        raise MissingAuthTokenError("Missing Authentication Token")
    context.context_variables["identity"].update(_principal(key, context.region))


@lru_cache(1024)
def _principal(key: str, region: str) -> dict[str, str]:
    caller = connect_to(
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="unused",  # noqa: S106  # nothing looks at it
    ).sts.get_caller_identity()
    return {
        "accessKey": key,
        "accountId": caller["Account"],
        "caller": caller["UserId"],
        "user": caller["UserId"],
        "userArn": caller["Arn"],
    }


@hooks.on_infra_start()
def repair_api_gateway() -> None:
    """Repair LocalStack: the import of descriptions, and what is between routing and integration."""
    provider.import_api_from_openapi_spec = _import_api
    handlers.preprocess_request.append(identify)
    refusals.repair()
