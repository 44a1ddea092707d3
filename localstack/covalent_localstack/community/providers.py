"""Services that the moto inside LocalStack serves: what the community edition leaves out, and DynamoDB without Java."""

from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import _proxy_moto
from localstack.services.plugins import Service
from localstack.services.providers import aws_provider

from covalent_localstack.community import containers
from covalent_localstack.community import dynamodb as moto_dynamodb


def _served_by_moto(name: str) -> Service:
    operations = load_service(name).operation_names
    return Service(
        name=name, skeleton=Skeleton(load_service(name), dict.fromkeys(operations, _proxy_moto))
    )


@aws_provider(api="dynamodb", name="moto")
def dynamodb() -> Service:
    """DynamoDB, ready in a second, one request at a time."""
    moto_dynamodb.install()
    return _served_by_moto("dynamodb")


@aws_provider(api="dynamodbstreams", name="moto")
def dynamodbstreams() -> Service:
    """The streams of those tables."""
    return _served_by_moto("dynamodbstreams")


@aws_provider(api="batch", name="default")
def batch() -> Service:
    """Batch: its resources, and jobs that run."""
    containers.install()
    return _served_by_moto("batch")


@aws_provider(api="ecs", name="default")
def ecs() -> Service:
    """ECS: its resources, and tasks that run."""
    containers.install()
    return _served_by_moto("ecs")


@aws_provider(api="ecr", name="default")
def ecr() -> Service:
    """ECR: its resources; there is no registry to push to."""
    return _served_by_moto("ecr")
