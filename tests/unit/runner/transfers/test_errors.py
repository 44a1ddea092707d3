"""What is told where a vendor's package is missing."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.moving import move

from covalent_runner.transfers import errors
from covalent_runner.transfers.azure import Azure
from covalent_runner.transfers.errors import TransferFailed
from covalent_runner.transfers.gcloud import GCloud
from covalent_runner.transfers.s3 import BucketWay


@pytest.mark.parametrize(
    ("way", "address", "family", "package", "extra"),
    [
        (BucketWay(), "s3://bucket/x", ("boto3", "botocore"), "boto3", "local"),
        (Azure(), "blob://account/container/x", ("azure",), "azure-storage-blob", "azure"),
        (GCloud(), "gs://bucket/x", ("google",), "google-cloud-storage", "gcloud"),
    ],
)
def test_a_package_that_is_not_installed_is_named(
    way: Any,
    address: str,
    family: tuple[str, ...],
    package: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [*sys.modules, *family]:
        if name.partition(".")[0] in family:
            monkeypatch.setitem(sys.modules, name, None)  # hides it
    with pytest.raises(TransferFailed, match=f"needs the package {package}") as caught:
        move(way, address, tmp_path / "x")
    assert address in str(caught.value)
    assert f"deps_pip='{package}'" in str(caught.value)
    assert f"covalent-serverless[{extra}]" in str(caught.value)


def test_a_package_that_is_broken_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_vendor.py").write_text("import something_it_needs")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_it_needs"):
        errors.package("broken_vendor", "broken-vendor", "gcloud")
