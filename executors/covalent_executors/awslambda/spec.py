"""What a user may set of an AWS Lambda executor."""

from typing import Annotated

from pydantic import Field

from covalent_executors.spec import MAX_TIME_LIMIT, Spec


class LambdaSpec(Spec):
    """The attributes of `AWSLambdaExecutor`."""

    timeout: Annotated[float, Field(le=MAX_TIME_LIMIT, allow_inf_nan=False)] = 900
    """Seconds until a try is stopped, like `time_limit`; none unless positive."""

    @property
    def limit(self) -> float:
        """The shorter of the two limits, 0 if there is none."""
        return min((each for each in (self.timeout, self.time_limit) if each > 0), default=0)


SPEC = LambdaSpec
