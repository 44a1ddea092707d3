"""Secrets of transfers. Where one is kept travels with a workflow; the secret itself is read where it is needed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from covalent_runner.transfers.errors import TransferFailed, machine, package

_ARN = "arn:"


@dataclass(frozen=True)
class Secret:
    """Where a secret is kept: an ARN of AWS Secrets Manager, or a file of the machine that the electron runs on."""

    place: str

    def text(self) -> str:
        """The secret.

        Raises:
            TransferFailed: it cannot be read.

        """
        if self.place.startswith(_ARN):
            return _from_secrets_manager(self.place)
        return self._path().read_text()

    @contextmanager
    def file(self) -> Iterator[Path]:
        """A file that holds the secret, meanwhile.

        Raises:
            TransferFailed: it cannot be read.

        """
        if not self.place.startswith(_ARN):
            yield self._path()
            return
        text = self.text()
        with tempfile.TemporaryDirectory(prefix="covalent-secret-") as folder:  # mode 0700
            path = Path(folder, "secret")
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(text if text.endswith("\n") else f"{text}\n")
            yield path

    def _path(self) -> Path:
        path = Path(self.place).expanduser()
        try:
            with path.open("rb"):
                return path
        except OSError as exc:
            raise TransferFailed(
                f"the secret in {path} cannot be read on {machine()} ({exc.strerror}): where electrons run elsewhere"
                " than on your own machine, keep it in AWS Secrets Manager and give its ARN instead"
            ) from exc


def _from_secrets_manager(arn: str) -> str:
    boto3 = package("boto3", "boto3", "local")
    client = boto3.session.Session().client("secretsmanager", region_name=arn.split(":")[3])
    try:
        found = client.get_secret_value(SecretId=arn)
    except Exception as exc:
        raise TransferFailed(
            f"the secret {arn} cannot be read ({exc}): it must exist, and the role that electrons run with"
            " must be allowed secretsmanager:GetSecretValue on it"
        ) from exc
    if "SecretString" not in found:
        raise TransferFailed(f"the secret {arn} is binary: it must be text")
    return str(found["SecretString"])
