"""The cursor of a listing: where the next page begins, opaque to the client."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple, Self

from covalent_contracts.errors import InvalidWorkflow
from covalent_contracts.ids import is_dispatch_id


class Cursor(NamedTuple):
    """The last dispatch of the page before. The owner is not in it: it is always the caller."""

    created: int
    dispatch_id: str

    def write(self) -> str:
        """The cursor as text."""
        return urlsafe_b64encode(f"{self.created} {self.dispatch_id}".encode()).decode()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a cursor.

        Raises:
            InvalidWorkflow: it is not one of ours.

        """
        try:
            created, _, dispatch_id = urlsafe_b64decode(text.encode()).decode().partition(" ")
            cursor = cls(int(created), dispatch_id)
        except ValueError as exc:
            raise InvalidWorkflow("the cursor is not one that this API gave out") from exc
        if not is_dispatch_id(cursor.dispatch_id):
            raise InvalidWorkflow("the cursor is not one that this API gave out")
        return cursor
