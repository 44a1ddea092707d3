"""IAM authorization as API descriptions and requests write it down.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/")
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})


def access_key(authorization: str | None) -> str | None:
    """The access key id in an Authorization header; None if there is no signature of version 4."""
    found = _CREDENTIAL.match(authorization or "")
    return found[1] if found else None


def signed_methods(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and method (upper case) of everything that an OpenAPI or Swagger document wants signed."""
    schemes = _schemes(description)
    for path, item in description.get("paths", {}).items():
        for method, operation in item.items():
            if method in _METHODS and _is_signed(operation, description, schemes):
                yield path, method.upper()


def _schemes(description: Mapping[str, Any]) -> frozenset[str]:
    """The names of the security schemes that are signatures."""
    known = description.get("securityDefinitions") or description.get("components", {}).get(
        "securitySchemes", {}
    )
    return frozenset(
        name
        for name, scheme in known.items()
        if str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4"
    )


def _is_signed(
    operation: Mapping[str, Any], description: Mapping[str, Any], schemes: frozenset[str]
) -> bool:
    if operation.get("x-amazon-apigateway-auth", {}).get("type") == "AWS_IAM":
        return True
    wanted = operation.get("security", description.get("security", []))
    return any(not schemes.isdisjoint(each) for each in wanted)
