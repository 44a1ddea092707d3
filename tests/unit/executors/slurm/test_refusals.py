"""What sbatch says when it takes no job; the texts are Slurm's own."""

import pytest

from covalent_executors.adapter import Busy, Refused
from covalent_executors.slurm.refusals import refusal

OPTIONS = {"partition": "gpu", "A": "lab", "qos": "fast", "constraint": "a100"}


def said(text: str) -> str:
    return f"sbatch: error: {text}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("invalid partition specified: gpu", "no partition 'gpu' that this user may use"),
        (
            "Batch job submission failed: Invalid account or account/partition combination specified",
            "the account 'lab' is not valid here",
        ),
        ("Batch job submission failed: Invalid qos specification", "quality of service 'fast'"),
        (
            "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            "options['time']",
        ),
        (
            "Batch job submission failed: Requested node configuration is not available",
            "no node here has what options ask for",
        ),
        ("Memory specification can not be satisfied", "no node here has the memory"),
        ("Invalid generic resource (gres) specification", "GPUs"),
        ("Invalid feature specification", "constraint 'a100'"),
        ("unrecognized option '--nosuch'", "one that sbatch does not know"),
        ("Something else entirely", "Slurm does not take the job: sbatch: error: Something else"),
    ],
)
def test_what_must_be_changed(text: str, told: str) -> None:
    found = refusal(said(text), OPTIONS)
    assert isinstance(found, Refused)
    assert told in str(found)
    assert text in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "Batch job submission failed: Unable to contact slurm controller (connect failure)",
        "Batch job submission failed: Socket timed out on send/recv operation",
        "Slurm temporarily unable to accept job, sleeping and retrying",
        "AssocMaxSubmitJobLimit",
        "QOSMaxSubmitJobPerUserLimit",
    ],
)
def test_what_passes(text: str) -> None:
    assert isinstance(refusal(said(text), OPTIONS), Busy)
