"""What the commands of Slurm say when they cannot do as they are told."""

import re
from collections.abc import Mapping

from covalent_executors.adapter import Busy, Refused

_AWAY = re.compile(
    "Unable to contact slurm controller|Socket timed out|Connection (refused|timed out)|controller not responding"
    "|Zero Bytes were transmitted|(Temporarily|temporarily) unable|Unable to establish controller"
    "|Slurm is in standby|Transport endpoint is not connected",
    re.IGNORECASE,
)
_FULL = re.compile(
    "QOSMaxSubmitJob|AssocMaxSubmitJob|AssocGrpSubmitJobs|QOSGrpSubmitJobs|submit limit|job table is full"
    "|Slurm temporarily unable",
    re.IGNORECASE,
)
_CURES: tuple[tuple[str, str], ...] = (
    (
        "invalid partition",
        "there is no partition {partition} that this user may use: check options['partition'] with `sinfo`",
    ),
    (
        "invalid account",
        "the account {account} is not valid here: check options['account'] with `sacctmgr show assoc user=$USER`",
    ),
    ("invalid qos", "the quality of service {qos} is not valid here: check options['qos']"),
    ("time limit", "the time that options['time'] asks for is not allowed here"),
    (
        "node configuration is not available|node count specification|more processors requested|cpu count",
        "no node here has what options ask for: compare them with `scontrol show nodes`",
    ),
    ("memory specification", "no node here has the memory that options ask for"),
    ("generic resource|gres", "no node here has the GPUs or other resources that options ask for"),
    (
        "invalid feature",
        "no node here has the constraint {constraint}: check options['constraint']",
    ),
    (
        "unrecognized option|invalid option|unknown option",
        "options has one that sbatch does not know",
    ),
    (
        "configuration source|fetch_config|slurm.conf",
        "this host belongs to no cluster: check address, which must be a login node",
    ),
    ("reservation", "there is no such reservation: check options['reservation']"),
)
_SHORT = {"partition": "p", "account": "A", "qos": "q", "constraint": "C"}


def refusal(said: str, options: Mapping[str, object]) -> Refused | Busy:
    """What it means that sbatch or scancel has failed.

    Args:
        said: what the command has written.
        options: those of the job.

    """
    told = "; ".join(line.strip() for line in said.splitlines() if line.strip())
    if _AWAY.search(said):
        return Busy(f"Slurm's controller does not answer: {told}")
    if _FULL.search(said):
        return Busy(f"Slurm takes no further job of this user now: {told}")
    named = {
        name: repr(options.get(name, options.get(short, ""))) for name, short in _SHORT.items()
    }
    for words, cure in _CURES:
        if re.search(words, said, re.IGNORECASE):
            return Refused(f"{cure.format(**named)} (Slurm says: {told})")
    return Refused(f"Slurm does not take the job: {told}")
