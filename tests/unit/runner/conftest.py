"""A dispatch on moto's DynamoDB and S3, written as the control plane would write it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from moto import mock_aws
from tests.atomic import one_at_a_time

from covalent_contracts import keys, pickling, records
from covalent_contracts import sheet as sheets
from covalent_contracts.envelope import Lost, Report, Run, Wait
from covalent_contracts.hooks import Hooks
from covalent_contracts.ids import digest_of
from covalent_contracts.sheet import Light, Page, Ref, Sheet
from covalent_runner.aws_store import AwsStore
from covalent_runner.cache import Cache
from covalent_runner.lambda_handler import handle

DISPATCH_ID = "6f5902ac-2372-4d3c-a3ad-9d2f0c0e5a11"
OWNER = "0123456789abcdef"
TABLE, BUCKET = "covalent", "covalent-data"


@dataclass(frozen=True)
class NodeRef:
    """Stands for an electron inside a collection."""

    node: int


class TokenStore(AwsStore):
    """The store on AWS, but for the tokens: those are written down."""

    session: ClassVar = boto3.session.Session(region_name="us-east-1")

    def __init__(self) -> None:
        super().__init__(TABLE, BUCKET)
        self._session = self.session
        self.released: list[str] = []
        self.refused: list[tuple[str, str]] = []

    def release(self, token: str) -> None:
        self.released.append(token)

    def refuse(self, token: str, error: str, cause: str) -> None:
        self.refused.append((token, error))


@dataclass
class Dispatch:
    """Builds sheets, delivers events, reads records."""

    store: TokenStore
    sheets: dict[int, Sheet] = field(default_factory=dict)
    python: str = ""
    s3: Any = None
    dynamodb: Any = None

    def asset(self, value: Any, pack: bool = False) -> Ref:
        data = pickling.dumps(value, lambda obj: obj.node if isinstance(obj, NodeRef) else None)
        return self.raw(data, pack=pack)

    def raw(self, data: bytes, pack: bool = False) -> Ref:
        digest = digest_of(data)
        if not pack:
            self.put(keys.asset(OWNER, digest), data)
            return Ref(digest, len(data))
        home = b"something else" + data + b"and more"
        self.put(keys.asset(OWNER, digest_of(home)), home)
        return Ref(digest, len(data), digest_of(home), len(b"something else"))

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def constant(self, node: int, value: Any) -> Light:
        return Light(node, "parameter", value=self.asset(value, pack=True))

    def add(
        self, node: int, function: Any = None, hooks: Hooks | None = None, **fields: Any
    ) -> Sheet:
        sheet = Sheet(
            node,
            getattr(function, "__name__", "node"),
            function=None if function is None else self.asset(function),
            hooks=None if hooks is None else self.asset(hooks),
            **fields,
        )
        self.sheets[node] = sheet
        return sheet

    def publish(self) -> None:
        import platform

        python = self.python or platform.python_version()
        for page in {keys.page_of(node) for node in self.sheets}:
            held = {n: s for n, s in self.sheets.items() if keys.page_of(n) == page}
            data = sheets.dump(Page(DISPATCH_ID, DISPATCH_ID, OWNER, python, held))
            self.put(keys.sheets(DISPATCH_ID, page), data)
        self.store._pages = Cache(1 << 24)  # a real dispatch's sheets never change

    def run(self, node: int, attempt: int = 0, store: AwsStore | None = None) -> None:
        self.publish()
        handle(store or self.store, Run(DISPATCH_ID, node, attempt), lambda: 30.0)

    def call(self, function: Any, *args: Any, **fields: Any) -> Any:
        """Run electron 0 with constant arguments; its record is `self.item(0)`."""
        lights = tuple(self.constant(i, value) for i, value in enumerate(args, 1))
        self.add(0, function, before=lights, args=tuple(light.id for light in lights), **fields)
        self.run(0)
        return self.value(0)

    def wait(self, node: int, needs: int, token: str) -> None:
        handle(self.store, Wait(DISPATCH_ID, node, needs, token), lambda: 30.0)

    def report(self, *nodes: int, error: str = "", cause: str = "") -> None:
        self.publish()
        handle(self.store, Report(DISPATCH_ID, nodes, error, cause), lambda: 30.0)

    def lost(self, *nodes: int, error: str = "", cause: str = "") -> None:
        self.publish()
        handle(self.store, Lost(DISPATCH_ID, nodes, error, cause), lambda: 30.0)

    def raw_item(self, sk: str) -> dict[str, Any]:
        key = {records.PK: {"S": records.dispatch_pk(DISPATCH_ID)}, records.SK: {"S": sk}}
        found: dict[str, Any] = self.dynamodb.get_item(TableName=TABLE, Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def item(self, node: int) -> dict[str, Any]:
        return self.raw_item(records.node_sk(node))

    def status(self, node: int) -> str | None:
        status: str | None = self.item(node).get("status")
        return status

    @property
    def has_failed(self) -> bool:
        return bool(self.raw_item(records.DISPATCH).get("has_failed"))

    def value(self, node: int) -> Any:
        return pickling.loads(self.output(node))

    def output(self, node: int) -> bytes:
        item = self.item(node)
        if "output" in item:
            return bytes(item["output"])
        return self.object(keys.output(DISPATCH_ID, node, item["digest"]))

    def object(self, key: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return data

    def error(self, node: int) -> str:
        return str(self.item(node).get("error", ""))

    def set_record(self, node: int, **attributes: Any) -> None:
        sk = records.node_sk(node)
        self.dynamodb.put_item(
            TableName=TABLE,
            Item={
                records.PK: {"S": records.dispatch_pk(DISPATCH_ID)},
                records.SK: {"S": sk},
                **attributes,
            },
        )

    def complete(self, node: int, value: Any) -> None:
        """Record a node as if its electron had run."""
        data = pickling.dumps(value)
        self.set_record(
            node,
            status={"S": "COMPLETED"},
            digest={"S": digest_of(data)},
            size={"N": str(len(data))},
            kind={"S": type(value).__name__},
            output={"B": data},
        )


@dataclass(frozen=True)
class Clients:
    s3: Any
    dynamodb: Any


@pytest.fixture(scope="module")
def aws() -> Iterator[Clients]:
    """One emulated AWS for all tests of a module; its requests are made atomic, which moto's are not by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        one_at_a_time(patch)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with mock_aws():
            clients = Clients(
                TokenStore.session.client("s3"), TokenStore.session.client("dynamodb")
            )
            clients.s3.create_bucket(Bucket=BUCKET)
            yield clients


@pytest.fixture
def dispatch(aws: Clients) -> Iterator[Dispatch]:
    aws.dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": records.PK, "KeyType": "HASH"},
            {"AttributeName": records.SK, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": records.PK, "AttributeType": "S"},
            {"AttributeName": records.SK, "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield Dispatch(TokenStore(), s3=aws.s3, dynamodb=aws.dynamodb)
    aws.dynamodb.delete_table(TableName=TABLE)


Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Makes `python -m covalent_runner` do something else in a child of this process."""

    def write(text: str) -> None:
        package = tmp_path / "covalent_runner"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(f"import os, signal, sys, time\n{text}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")

    return write
