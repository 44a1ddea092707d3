"""What a hybrid job of Amazon Braket is told: a job has hyperparameters, but no environment of its own.

https://docs.aws.amazon.com/braket/latest/developerguide/braket-jobs-concepts.html
"""

import json
from collections.abc import MutableMapping
from pathlib import Path

from covalent_contracts.envelope import ELECTRON
from covalent_runner.exits import HANDLE

HYPERPARAMETERS = "AMZN_BRAKET_HP_FILE"
"""Where Braket names the file with them."""
_OURS = ("COVALENT_", "AWS_")
_NAMES = ("AMZN_BRAKET_JOB_ARN", "AMZN_BRAKET_JOB_NAME")


def enter(environment: MutableMapping[str, str]) -> None:
    """In a hybrid job, add to the environment what the hyperparameters say, and by which name the job is known.

    A process that this one has started finds an electron there already, and nothing is added.
    """
    path = environment.get(HYPERPARAMETERS)
    if ELECTRON in environment or not path or not Path(path).exists():
        return
    for name, value in json.loads(Path(path).read_text()).items():
        if name.startswith(_OURS):
            environment.setdefault(name, value)
    job = next((environment[name] for name in _NAMES if name in environment), "")
    if job:
        environment.setdefault(HANDLE, json.dumps({"executor": "braket", "job": job}))
