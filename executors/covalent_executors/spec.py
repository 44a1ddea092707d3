"""Attributes that every executor has."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_TIME_LIMIT = 99_999_999
"""Seconds that a state of Step Functions may take:
https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

MAX_RETRIES = 1000
"""Each try costs about three events of an execution's history."""


class Spec(BaseModel):
    """What a user configured. Attributes that only other places read (a log file, say) are kept, not checked."""

    model_config = ConfigDict(extra="allow", frozen=True)

    time_limit: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = -1
    """Seconds until a try is stopped; none unless positive."""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    """How often a failed try is repeated."""

    @property
    def limit(self) -> float:
        """Seconds that a try may run, 0 for no limit."""
        return max(self.time_limit, 0)
