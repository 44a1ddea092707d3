"""Who calls, and what they may read: their own, and what its owner or the deployment shares with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from covalent_contracts.ids import owner_of, principal_of

SharedWith = Mapping[str, frozenset[str]]
"""By owner, for whom the deployment shares everything with whom; principals as `owner_of` names them."""


@dataclass(frozen=True)
class Caller:
    """The principal of a request.

    owner: whose dispatches are theirs. names: by which names something is shared with them: their own and, for
    someone who logged in through IAM Identity Center, that of their role.
    """

    owner: str
    names: frozenset[str]

    @classmethod
    def of(cls, arn: str, *, people: bool = True) -> Self:
        """The caller whom API Gateway authenticated; `people` as in `principal_of`."""
        owner = owner_of(principal_of(arn, people=people))
        return cls(owner, frozenset({owner, owner_of(principal_of(arn, people=False))}))

    def may_read(self, owner: str, readers: Iterable[str], shared_with: SharedWith) -> bool:
        """Whether a dispatch of `owner`, who shares it with the principals `readers`, is theirs to read."""
        if self.owner == owner:
            return True
        named = shared_with.get(owner, frozenset()) | {owner_of(each) for each in readers}
        return not self.names.isdisjoint(named)
