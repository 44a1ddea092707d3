"""What goes along with a request so that the control plane knows who asks: a bearer token, or a signature."""

from typing import Protocol

import httpx

from covalent._dispatch.address import Endpoint
from covalent_contracts.errors import CovalentError


class Permission(Protocol):
    """Proves to one control plane who asks."""

    def prove(self, request: httpx.Request) -> None:
        """Put the proof into the headers of a request that is about to be sent."""

    def mend(self, refused: httpx.Response) -> bool:
        """Whether the request may be accepted if it is proven once more, now that the answer is known."""

    def error(self, refused: httpx.Response) -> CovalentError | None:
        """What the answer means, and the cure; None if it is none of the gateway's own."""


class Bearer:
    """The token that a local server wants to see, if it is known. No gateway is in front of that."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def prove(self, request: httpx.Request) -> None:
        """Add the token."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"

    def mend(self, refused: httpx.Response) -> bool:  # noqa: ARG002  # the protocol's
        """Nothing helps but another token."""
        return False

    def error(self, refused: httpx.Response) -> CovalentError | None:  # noqa: ARG002  # the protocol's
        """The server's own words say it all."""
        return None


def permission_for(endpoint: Endpoint) -> Permission:
    """The proof that an endpoint takes."""
    if not endpoint.is_deployed:
        return Bearer(endpoint.token)
    from covalent._dispatch.signing import Signature  # noqa: PLC0415  # only for those who deploy

    return Signature(endpoint)
