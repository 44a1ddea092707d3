"""What Step Functions calls for an EC2 executor.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
"""

from collections.abc import Mapping

from covalent_contracts.envelope import TIME_LIMIT
from covalent_contracts.errors import InvalidWorkflow
from covalent_executors.ec2.place import ELECTRON_TAG, TAG, Ec2Place
from covalent_executors.ec2.script import script
from covalent_executors.ec2.spec import Ec2Spec
from covalent_executors.place import Place, turned_on
from covalent_executors.task import (
    CALLBACK_ERRORS,
    Argument,
    JobName,
    Script,
    TaskTemplate,
    Words,
)

RUN_INSTANCES = "arn:aws:states:::aws-sdk:ec2:runInstances.waitForTaskToken"
EC2_ERRORS = ("Ec2.Ec2Exception", "Ec2.SdkClientException")
"""All that EC2 answers has this one name: a full zone, a used-up quota and too many calls, which pass, as well as a
wrong parameter, which does not. So all are tried again, for some minutes."""


def task(spec: Ec2Spec, place: Place, python: str) -> TaskTemplate:
    """Start an instance, and wait until the runner on it has answered.

    The limit of the electron is held by the runner, from when the electron runs.

    Raises:
        InvalidWorkflow: the deployment has not turned this executor on, or no image for such processors.
        UnsupportedPython: there is no runner for this version.

    """
    place.runner(python)
    here = turned_on(place.ec2, "ec2", "EC2", "ec2")
    return TaskTemplate(
        resource=RUN_INSTANCES,
        parameters=_parameters(spec, place, here, ".".join(python.split(".")[:2])),
        transient=EC2_ERRORS,
        time_limit=spec.limit,
        retries=spec.retries,
        failures=CALLBACK_ERRORS,
        heartbeat=here.heartbeat,
        is_job=True,
        margin=2 * here.heartbeat,
    )


def _parameters(spec: Ec2Spec, place: Place, here: Ec2Place, python: str) -> Mapping[str, Argument]:
    optional = {
        "KeyName": spec.login,
        "SubnetId": spec.subnet or here.subnet,
        "SecurityGroupIds": here.security_groups if spec.vpc in ("", here.vpc) else (),
    }
    return {
        "ClientToken": JobName(),
        "MinCount": 1,
        "MaxCount": 1,
        "ImageId": _image(spec, here),
        "InstanceType": spec.instance_type,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "IamInstanceProfile": {"Name": here.profile},
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [{"DeviceName": here.device, "Ebs": _volume(spec)}],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": _tags(place)} for kind in ("instance", "volume")
        ],
        **{name: value for name, value in optional.items() if value},
        "UserData": Script(_script(spec, here, python)),
    }


def _image(spec: Ec2Spec, here: Ec2Place) -> str:
    try:
        return here.images[spec.architecture]
    except KeyError:
        raise InvalidWorkflow(
            f"executor 'ec2': instance_type {spec.instance_type!r} has {spec.architecture} processors, and this "
            f"deployment has images for {', '.join(sorted(here.images))} only: choose another instance_type, or "
            "add an image to the Terraform variable `ec2`"
        ) from None


def _volume(spec: Ec2Spec) -> Mapping[str, Argument]:
    return {
        "VolumeSize": spec.volume_size,
        "VolumeType": "gp3",
        "Encrypted": True,
        "DeleteOnTermination": True,
    }


def _tags(place: Place) -> list[Argument]:
    return [
        {"Key": "Name", "Value": JobName()},
        {"Key": TAG, "Value": place.prefix.removesuffix("-")},
        {"Key": ELECTRON_TAG, "Value": Words()},
    ]


def _script(spec: Ec2Spec, here: Ec2Place, python: str) -> str:
    program = here.program.format(python=python.replace(".", ""), architecture=spec.architecture)
    limit = {TIME_LIMIT: f"{spec.time_limit:g}"} if spec.time_limit > 0 else {}
    terms = {"COVALENT_HEARTBEAT_SECONDS": str(here.heartbeat), **limit}
    return script(python, program, {**here.environment, **terms})
