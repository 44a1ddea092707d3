"""What a deployment offers to the EC2 executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TAG = "covalent:deployment"
"""The tag by which instances of a deployment are found; its value is the prefix of the deployment's names."""
ELECTRON_TAG = "covalent:electron"
"""The tag with dispatch, node and try, in one string."""
INSTANCE = "INSTANCE_ID"
"""Where a script finds the id of its instance, if not in the file that cloud-init writes."""


@dataclass(frozen=True)
class Ec2Place:
    """Where and how instances start.

    profile: the name of their instance profile.
    images: the AMI for each architecture ("x86_64", "arm64"); or `resolve:ssm:` and the name of a public parameter.
    vpc, subnet, security_groups: where they are, unless the user says otherwise.
    program: the address of the runner's zip in S3, with `{python}` ("311") and `{architecture}` in it; "" where Python
        finds the runner without (offline).
    environment: what the runner needs: table, bucket and region.
    heartbeat: seconds of silence after which an instance is lost. Its start, too, has to come within them.
    device: the name of the root volume.
    """

    profile: str
    images: Mapping[str, str]
    subnet: str = ""
    vpc: str = ""
    security_groups: Sequence[str] = ()
    program: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: int = 300
    device: str = "/dev/xvda"
