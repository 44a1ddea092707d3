"""What the reference's circuits run on: the offline AWS for Braket, and IBM's cloud as its own client sees it."""

import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reference import executors

DEVICES = ("ibmq_lima",)
"""The device that the examples name; IBM has retired it, here it is one of their fake back ends."""
REGION = "us-east-1"


@contextmanager
def running() -> Iterator[Mapping[str, str]]:
    """Both, and the environment in which a script finds them."""
    from qiskit_ibm_runtime.fake_provider import FakeLimaV2  # noqa: PLC0415  # only in the environment of `make quantum`
    from tests.quantum.ibm_cloud import KEY, IBMCloud, Machine, serve  # noqa: PLC0415  # likewise

    cloud = IBMCloud({name: Machine(FakeLimaV2(), name) for name in DEVICES})
    with tempfile.TemporaryDirectory() as folder, serve(cloud, Path(folder)) as ibm:
        cloud.address = f"{ibm.proxy}/api/v1"
        _keep_token(Path(folder), KEY)
        with executors.server(Path(folder)) as environment:
            yield {
                **environment,
                **_offline_aws(environment),
                "IBM_TOKEN": KEY,
                "HTTPS_PROXY": ibm.proxy,
                "REQUESTS_CA_BUNDLE": ibm.authority,
                "TF_CPP_MIN_LOG_LEVEL": "3",
            }


def _keep_token(folder: Path, token: str) -> None:
    """As a user does whose scripts give none."""
    (folder / "covalent.conf").write_text(f'[qelectron.IBMQExecutor]\nibmqx_token = "{token}"\n')


def _offline_aws(environment: Mapping[str, str]) -> Mapping[str, str]:
    """How AWS's own clients find the server: its token is the access key id."""
    configuration = Path(environment["COVALENT_CONFIG_DIR"]) / "covalent.conf"
    dispatcher = tomllib.loads(configuration.read_text())["dispatcher"]
    return {
        "AWS_ENDPOINT_URL": f"http://{dispatcher['address']}:{dispatcher['port']}",
        "AWS_ACCESS_KEY_ID": dispatcher["token"],
        "AWS_SECRET_ACCESS_KEY": dispatcher["token"],
        "AWS_DEFAULT_REGION": REGION,
    }
