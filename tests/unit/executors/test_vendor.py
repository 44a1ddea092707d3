import subprocess
import sys

import pytest

from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.adapter import Refused
from covalent_executors.place import Place
from covalent_executors.vendor import check_secret, vendor


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(Refused, match=r"pip install 'covalent-serverless\[azurebatch\]'"):
        vendor("azure.no_such_package", "azurebatch")


@pytest.mark.parametrize("name", ["azurebatch", "gcpbatch", "azurefunctions", "gcpfunctions"])
def test_vendors_are_loaded_when_they_are_needed(name: str) -> None:
    code = (
        f"import sys, covalent_executors.{name}.adapter, covalent_executors.{name}.template\n"
        "heavy = ('azure.core', 'google.api_core', 'google.auth', 'requests')\n"
        "print([m for m in sys.modules if m.startswith(heavy)])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("value", ["", "~/key", "literal"])
def test_a_deployment_on_aws_reads_secrets_only(value: str) -> None:
    with pytest.raises(InvalidWorkflow, match=r"executor 'x': key: .*covalent secret put"):
        check_secret("x", "key", value, Place({}))
    check_secret("x", "key", value, Place({}, reads_files=True))


def test_an_arn_is_taken() -> None:
    check_secret("x", "key", "arn:aws:secretsmanager:us-east-1:1:secret:x", Place({}))
