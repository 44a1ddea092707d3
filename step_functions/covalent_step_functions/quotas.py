"""The limits that one dispatch can run into, each with its number and where it comes from.

Emulators enforce none of them. What cannot be exceeded, because something else would be first or because names
are cut, has its number here too: a test shows it from these numbers.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from dataclasses import dataclass

from covalent_contracts.errors import LimitExceeded


@dataclass(frozen=True)
class Quota:
    """A limit: how many of what, whose it is, and what a user can do about it."""

    name: str
    number: int
    unit: str
    source: str
    cure: str

    def check(self, found: int) -> None:
        """Refuse more than the number.

        Raises:
            LimitExceeded: with the name and the number of the limit.

        """
        if found > self.number:
            raise LimitExceeded(
                f"{self.name}: {found:,} {self.unit}, and the limit is {self.number:,} "
                f"({self.source}): {self.cure}",
                limit=self.name,
                number=self.number,
            )


@dataclass(frozen=True)
class Use:
    """How much of a limit something takes."""

    quota: Quota
    found: int

    def check(self) -> None:
        """Refuse more than the limit.

        Raises:
            LimitExceeded: with the name and the number of the limit.

        """
        self.quota.check(self.found)


_KIB = 1024
_MIB = 1024 * _KIB
_DEEP = "a sublattice that calls itself must come to an end"
_SPLIT = "use fewer electrons that do more each, or make parts of the lattice sublattices"

MAX_DEPTH = 25
"""How deep `Parallel` states nest: under the 30 levels that emulators parse."""

STATE_NAME = 80
"""Characters in the name of a state. Longer ones are cut (`covalent_step_functions.names`)."""

MACHINE_NAME = 80
"""Characters in the name of a state machine. A longer prefix is cut (`covalent_step_functions.names`)."""

EXECUTION_NAME = 80
"""Characters in the name of an execution; ours are dispatch ids."""

HISTORY = 25_000
"""Entries in its history at which Step Functions ends an execution."""

CAUSE = 32_768
"""Characters of the cause with which a state fails (SendTaskFailure); of up to four bytes each."""

MAP_WIDTH = 40
"""Rows of an inline Map that run at once: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html

Also what a Distributed Map starts together, as one child execution: it starts 100 of them a second and runs 10,000
at once, so batches of this size start 4,000 electrons a second.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

ITEM = 400 * _KIB
"""Bytes of an item in DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

DEFINITION = Quota(
    name="definition",
    number=_MIB - 4 * _KIB,
    unit="bytes as sent",
    source="Step Functions takes requests up to 1 MiB: the definition as a JSON string, and 4 KiB for the rest",
    cure=_SPLIT,
)
EVENTS = Quota(
    name="execution history",
    number=HISTORY * 80 // 100,
    unit="events",
    source=f"Step Functions ends an execution at {HISTORY:,}; the rest is for retries",
    cure=_SPLIT,
)
DEPTH = Quota(
    name="nesting",
    number=MAX_DEPTH,
    unit="levels of Parallel",
    source="of this compiler",
    cure=_SPLIT,
)
PAYLOAD = Quota(
    name="output of a Parallel",
    number=256 * _KIB,
    unit="bytes",
    source="Step Functions passes up to 256 KiB from state to state",
    cure=_SPLIT,
)
LOST = Quota(
    name="electrons of a nested execution",
    number=256 * _KIB - 4 * CAUSE - 4 * _KIB,
    unit="bytes of ids",
    source="if it dies, they are reported with the cause in one payload of 256 KiB",
    cure=_SPLIT,
)
PARENTS = Quota(
    name="parents of an electron",
    number=ITEM // 12,
    unit="arrivals at its gate",
    source="DynamoDB keeps them in one item of up to 400 KiB",
    cure="gather the results in several steps",
)
REQUEST = Quota(
    name="request to dispatch",
    number=6 * _MIB * 3 // 4 * 95 // 100,
    unit="bytes",
    source="Lambda takes 6 MB, the compressed manifest in base64; 5 % are left for the rest",
    cure=_SPLIT,
)
UPLOADS = Quota(
    name="uploads per dispatch",
    number=3_000,
    unit="objects",
    source="their addresses must fit the 6 MB of a Lambda answer; assets under 64 KiB share uploads",
    cure="pass fewer large arguments, or put large data into a store and pass where it lies",
)
UPLOAD = Quota(
    name="size of an upload",
    number=5 * _KIB * _MIB,
    unit="bytes",
    source="of one PUT to S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html",
    cure="put data of that size into a store and pass where it lies",
)
TIMEOUT = Quota(
    name="time_limit",
    number=99_999_999,
    unit="seconds",
    source="of TimeoutSeconds, https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html",
    cure="set a shorter time_limit, or none",
)
RETRIES = Quota(
    name="retries",
    number=1_000,
    unit="tries more",
    source="of this compiler: each try takes three events of the history. Step Functions takes 99,999,999",
    cure="set fewer retries, or repeat inside the electron",
)
LAMBDA_SECONDS = Quota(
    name="time_limit",
    number=900,
    unit="seconds",
    source="of a Lambda function",
    cure="set a shorter time_limit, split the electron, or choose an executor that is not Lambda",
)
SUBLATTICES = Quota(
    "sublattices inside each other",
    256,
    "levels",
    "ours: more than anyone means, and few enough for a recursion without end",
    _DEEP,
)
BUILT = Quota(
    "graph of a sublattice", 64 * _MIB, "bytes", "ours: what the control plane can hold", _SPLIT
)
