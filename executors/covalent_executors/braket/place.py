"""What a deployment offers to the Braket executor."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

TAG = "covalent:deployment"
"""The tag by which jobs of a deployment are found; its value is the prefix of the deployment's names."""
ANY = "*"


@dataclass(frozen=True)
class BraketPlace:
    """Where and how hybrid jobs start.

    role: the ARN of the role that jobs have, unless the user names another one.
    bucket: where Braket puts what jobs leave behind, unless the user names another one.
    program: the address of the runner in S3, a .tar.gz.
    registry: the ECR registry of repositories that users name, "123456789012.dkr.ecr.us-east-1.amazonaws.com".
    images: the container image by Python minor version; for others, and without any, Braket's own.
    other_roles: names of roles in the same account that users may name; "*" for any.
    environment: what the runner needs: table, bucket and region.
    """

    role: str
    bucket: str
    program: str
    registry: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    other_roles: Collection[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
