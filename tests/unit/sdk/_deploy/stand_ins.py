"""An account without AWS, and a root module that Terraform can make without a provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from covalent._deploy.account import Account
from covalent._deploy.settings import Settings
from covalent_contracts.api import Health

ACCOUNT = "123456789012"
REGION = "eu-west-1"
ENDPOINT = "https://abc.execute-api.eu-west-1.amazonaws.com"
MODULE = """
variable "prefix" { type = string }
variable "runners" { type = list(string) }
variable "architecture" { type = string }
variable "artifacts" {
  type = string
  validation {
    condition     = fileexists("${var.artifacts}/control-plane-${var.architecture}.zip")
    error_message = "There is no zip."
  }
}
variable "protect" {
  type    = bool
  default = true
}
variable "needs" {
  type    = string
  default = ""
}

resource "terraform_data" "bucket" {
  input = var.prefix
}
resource "terraform_data" "runner" {
  for_each   = toset(var.runners)
  input      = each.key
  depends_on = [terraform_data.bucket]
}
resource "terraform_data" "api" {
  depends_on = [terraform_data.runner]
  triggers_replace = var.needs
  provisioner "local-exec" { command = "test -z '${var.needs}' -o -e '${var.needs}'" }
}

output "endpoint" { value = "https://abc.execute-api.eu-west-1.amazonaws.com${substr(terraform_data.api.id, 0, 0)}" }
output "region" { value = "eu-west-1" }
output "bucket" { value = terraform_data.bucket.output }
output "table" { value = var.prefix }
output "runners" { value = { for minor in var.runners : minor => "${var.prefix}-runner-${minor}" } }
output "prefix" { value = var.prefix }
output "version" { value = "0.1.0" }
output "dashboard_url" { value = null }
"""


@dataclass
class Memory:
    """What the account has, and what was done to it."""

    buckets: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    machines: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    objects: int = 0
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StandIn(Account):
    """Answers from its memory."""

    memory: Memory = field(default_factory=Memory)

    @classmethod
    def new(cls, **memory: Any) -> "StandIn":
        principal = f"arn:aws:iam::{ACCOUNT}:user/alice"
        return cls(ACCOUNT, REGION, principal, cast("Any", None), None, Memory(**memory))

    def environment(self) -> dict[str, str | None]:
        return {}

    def provider(self) -> Mapping[str, Any]:
        return {}

    def has_bucket(self, name: str) -> bool:
        return name in self.memory.buckets

    def has_table(self, name: str) -> bool:
        return name in self.memory.tables

    def bucket_region(self, name: str) -> str | None:
        return REGION if name in self.memory.buckets else None

    def delete_rules(self, prefix: str) -> int:
        """There are no triggers."""
        return 0

    def machines(self, prefix: str) -> list[str]:
        return [name for name in self.memory.machines if name.startswith(prefix)]

    def running(self, machines: list[str], most: int) -> list[str]:
        return self.memory.running[:most] if machines else []

    def delete_machine(self, arn: str) -> None:
        self.memory.machines.remove(arn)

    def has_data(self, bucket: str) -> bool:
        assert bucket == f"lab-{ACCOUNT}-{REGION}"
        return self.memory.objects > 0

    def empty(self, bucket: str) -> Iterator[int]:
        assert bucket == f"lab-{ACCOUNT}-{REGION}"
        if self.memory.objects:
            yield self.memory.objects
        self.memory.objects = 0

    def unprotect(self, table: str) -> None:
        self.memory.done.append(f"unprotected {table}")


def build(folder: Path, settings: Settings, tell: Any) -> None:
    """An empty zip."""
    folder.mkdir(exist_ok=True)
    name = f"control-plane-{settings.architecture}.zip"
    (folder / name).touch()
    tell(f"{name} built")


def healthy(endpoint: str) -> Health:
    assert endpoint == ENDPOINT
    return Health(version="0.1.0", wire=1, pythons=["3.11"])
