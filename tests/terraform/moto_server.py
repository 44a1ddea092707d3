"""A moto server that Terraform's AWS provider can apply to; runs until it is told to stop.

It is started in a process of its own. What moto lacks for that is added here, each addition with what happens without.
"""

import os
import signal
from typing import Any

# Looked up while moto is imported: attaching one of AWS's own policies to a role is 404 otherwise.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from moto.apigateway.models import Account
from moto.batch.models import BatchBackend
from moto.s3.models import FakeBucket
from moto.server import ThreadedMotoServer


def ignore_conditional_denials() -> None:
    """Moto ignores the conditions of a bucket policy: one that denies plain HTTP denies everything."""
    stock = FakeBucket.get_permission

    def get_permission(self: Any, action: str, resource: str) -> Any:
        is_conditional = self.policy and b"aws:SecureTransport" in self.policy
        return None if is_conditional else stock(self, action, resource)

    FakeBucket.get_permission = get_permission


def let_the_account_be_reset() -> None:
    """Taking the role for logs away is a patch without a value: moto answers 500, and Terraform tries for ever."""
    stock = Account.apply_patch_operations

    def apply_patch_operations(self: Any, operations: list[dict[str, Any]]) -> Any:
        return stock(self, [{"value": "", **each} for each in operations])

    Account.apply_patch_operations = apply_patch_operations


def let_batch_have_a_role() -> None:
    """AWS takes the role that it has for Batch in every account; moto refuses what names none."""
    stock = BatchBackend.create_compute_environment

    def create_compute_environment(self: Any, *args: Any, service_role: str, **more: Any) -> Any:
        any_role = next(iter(self.iam_backend.roles.values())).arn
        return stock(self, *args, service_role=service_role or any_role, **more)

    BatchBackend.create_compute_environment = create_compute_environment


def main() -> None:
    """Serve on a free port of 127.0.0.1, print it, and wait."""
    ignore_conditional_denials()
    let_the_account_be_reset()
    let_batch_have_a_role()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(port, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


if __name__ == "__main__":
    main()
