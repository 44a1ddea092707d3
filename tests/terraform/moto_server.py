"""A moto server that Terraform's AWS provider can apply to; runs until it is told to stop.

It is started in a process of its own. What moto lacks for that is added here, each addition with what happens without.
"""

import os
import signal
from typing import Any

# Looked up while moto is imported: attaching one of AWS's own policies to a role is 404 otherwise.
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from moto.apigateway.models import Account
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


def main() -> None:
    """Serve on a free port of 127.0.0.1, print it, and wait."""
    ignore_conditional_denials()
    let_the_account_be_reset()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(port, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


if __name__ == "__main__":
    main()
