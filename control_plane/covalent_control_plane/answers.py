"""How large an answer may be: Lambda gives 6 MB, and carries our JSON as a string inside its own.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from covalent_contracts.errors import LimitExceeded
from covalent_contracts.quoted import quoted_size

MOST = 6 * 1024 * 1024
"""Bytes that Lambda gives back."""
FRAME = 64 * 1024
"""Bytes of them that are left for headers and for what is around a list."""

Document = TypeVar("Document", bound=BaseModel)


def fitting(documents: Iterable[Document]) -> Sequence[Document]:
    """As many of the first documents as one answer can hold, one at least."""
    found: list[Document] = []
    room = MOST - FRAME
    for each in documents:
        room -= quoted_size(each.model_dump_json()) + 1
        if found and room < 0:
            break
        found.append(each)
    return found


def check(text: str) -> None:
    """Refuse an answer that Lambda would not give.

    Raises:
        LimitExceeded: it is too large.

    """
    size = quoted_size(text)
    if size > MOST - FRAME:
        raise LimitExceeded(
            f"the answer has {size} bytes, more than the {MOST} of a Lambda function: ask for less at once",
            limit="bytes per answer",
            number=MOST,
        )
