"""A configuration of its own for each test, and Terraform modules that need no provider from anywhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from covalent._deploy.terraform import Terraform
from covalent._shared_files.config import reload_config

Write = Callable[[str], Terraform]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing of the user's: neither configuration nor deployments nor credentials."""
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"COVALENT_{name}_DIR", str(tmp_path / name.lower()))
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reload_config()
    yield tmp_path
    monkeypatch.undo()
    reload_config()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a module into a folder; gives Terraform in it."""
    folder = tmp_path / "terraform"
    folder.mkdir()

    def write_into(text: str) -> Terraform:
        (folder / "main.tf").write_text(text)
        return Terraform.find(folder)

    return write_into
