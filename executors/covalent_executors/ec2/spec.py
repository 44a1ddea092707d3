"""What a user may set of an EC2 executor."""

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from covalent_executors.spec import Spec

DEFAULT_KEY = "~/.ssh/id_rsa"
"""The key of who has named none."""
_FAMILY = re.compile(r"[a-z]+\d+([a-z]*)")
_GRAVITON = "g"


class Ec2Spec(Spec):
    """The attributes of `EC2Executor`."""

    instance_type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")] = "t2.micro"
    """The kind of machine."""

    volume_size: Annotated[int, Field(ge=8, le=65_536)] = 8
    """GiB of its disk: what an Amazon Linux image needs, to what EC2 offers."""

    key_name: Annotated[str, Field(max_length=255)] = ""
    """The key pair that may log in to it. Nothing of ours does."""

    ssh_key_file: str = DEFAULT_KEY
    """Where the user has the private key; only its name is looked at."""

    vpc: Annotated[str, Field(pattern=r"^(vpc-[0-9a-f]+)?$")] = ""
    """The network; the deployment's if empty."""

    subnet: Annotated[str, Field(pattern=r"^(subnet-[0-9a-f]+)?$")] = ""
    """The subnet; the deployment's if empty."""

    @model_validator(mode="after")
    def _names_a_subnet(self) -> Self:
        if self.vpc and not self.subnet:
            raise ValueError("vpc is given without subnet: name a subnet of it, too")
        return self

    @property
    def login(self) -> str:
        """The key pair that an instance is to have; "" if the user has not asked for one."""
        is_default = self.ssh_key_file == DEFAULT_KEY and self.key_name == "id_rsa"
        return "" if is_default else self.key_name

    @property
    def architecture(self) -> str:
        """Of the processors of this instance type, by the letters behind the generation: m7g, c6gn, im4gn."""
        family = self.instance_type.partition(".")[0]
        found = _FAMILY.match(family)
        is_arm = family == "a1" or (found is not None and _GRAVITON in found[1])
        return "arm64" if is_arm else "x86_64"


SPEC = Ec2Spec
