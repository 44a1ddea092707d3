"""The folder that Terraform works in."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from covalent._deploy import workspace
from covalent._deploy.errors import InvalidSetting, StateLocked
from covalent._deploy.workspace import Workspace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A root module with a module in it, and things that are not for deploying."""
    files = {
        "main.tf": 'resource "aws_s3_bucket" "this" {}\nresource "aws_iam_role" "a" {}\n',
        "variables.tf": 'variable "prefix" {\n}\nvariable "memory" {}\n',
        "modules/api/main.tf": '  resource "not_at_the_start" "x" {}\nresource "aws_iam_role" "b" {}\n',
        "modules/api/chalice.tf.json": json.dumps(
            {"resource": {"aws_lambda_function": {"api": {}, "sweep": {}}}}
        ),
        "tests/x.tftest.hcl": "",
        "examples/minimal/main.tf": "",
        ".terraform/junk": "",
        "README.md": "",
    }
    for name, text in files.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "source"


@pytest.fixture
def here() -> Workspace:
    found = Workspace.of("123456789012", "eu-west-1", "lab")
    with found.alone():
        pass
    return found


def test_where_it_is(here: Workspace, tmp_path: Path) -> None:
    assert here.folder == tmp_path / "data/deployments/123456789012/eu-west-1/lab"
    assert str(here) == "123456789012/eu-west-1/lab"
    assert stat.S_IMODE(here.folder.stat().st_mode) == 0o700


def test_what_terraform_reads(here: Workspace, source: Path) -> None:
    variables = {"prefix": "lab", "memory": 512}
    provider = {"aws": {"region": "eu-west-1"}}
    assert not here.is_written
    here.write(source, variables, provider, {"local": {}})
    assert here.is_written
    root = json.loads((here.folder / "main.tf.json").read_text())
    assert root["module"]["covalent"] == {
        "source": "./module",
        "prefix": "${var.prefix}",
        "memory": "${var.memory}",
    }
    assert root["variable"] == {"prefix": {}, "memory": {}}
    assert root["provider"] == provider
    assert root["terraform"] == {"backend": {"local": {}}}
    assert root["output"]["endpoint"] == {"value": "${module.covalent.endpoint}"}
    assert json.loads((here.folder / "terraform.tfvars.json").read_text()) == variables


def test_the_copy_of_the_modules_is_whole_and_new(here: Workspace, source: Path) -> None:
    here.write(source, {}, {}, {"local": {}})
    (here.module / "stale.tf").touch()
    here.write(source, {}, {}, {"local": {}})
    copied = {str(p.relative_to(here.module)) for p in here.module.rglob("*") if p.is_file()}
    assert copied == {
        "main.tf",
        "variables.tf",
        "modules/api/main.tf",
        "modules/api/chalice.tf.json",
    }


def test_a_variable_that_the_module_does_not_have(here: Workspace, source: Path) -> None:
    with pytest.raises(InvalidSetting, match="no variable memry") as error:
        here.write(source, {"memry": 1}, {}, {"local": {}})
    assert error.value.cure == "It has memory, prefix."
    assert not here.is_written


def test_it_remembers(here: Workspace) -> None:
    assert here.remembered() == {}
    assert not here.is_there
    here.remember(a=1, b=1)
    here.remember(b=2)
    assert here.remembered() == {"a": 1, "b": 2}
    assert here.is_there


def test_those_there_are(here: Workspace) -> None:
    other = Workspace.of("123456789012", "us-east-1", "lab")
    with other.alone():
        other.remember(a=1)
    assert workspace.known() == [other]
    here.remember(a=1)
    assert [str(each) for each in workspace.known()] == [
        "123456789012/eu-west-1/lab",
        "123456789012/us-east-1/lab",
    ]
    assert workspace.known("us-east-1") == [other]
    assert workspace.known(prefix="other") == []


def test_removing_leaves_no_empty_folders(here: Workspace) -> None:
    here.remove()
    assert not workspace.root().exists() or list(workspace.root().iterdir()) == []


def test_removing_leaves_others_alone(here: Workspace) -> None:
    other = Workspace.of("123456789012", "eu-west-1", "other")
    with other.alone():
        pass
    here.remove()
    assert other.folder.is_dir()


def test_one_process_at_a_time(here: Workspace) -> None:
    script = """
import sys
from pathlib import Path
from covalent._deploy.workspace import Workspace
with Workspace(Path(sys.argv[1])).alone():
    print("held", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(here.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateLocked), here.alone():
            pass
        holder.kill()
        holder.wait()
        with here.alone():  # who died holds nothing
            pass


def test_types_of_what_would_be_made(source: Path) -> None:
    """What is made on demand only is not, nor are examples."""
    (source / "modules" / "extra").mkdir()
    (source / "modules" / "extra" / "main.tf").write_text('resource "aws_kms_key" "k" {\n}\n')
    (source / "examples" / "minimal" / "main.tf").write_text('resource "aws_kms_key" "k" {\n}\n')
    with (source / "main.tf").open("a") as root:
        root.write('module "api" {\n  source = "./modules/api"\n}\n\n')
        root.write(
            'module "extra" {\n  source = "./modules/extra"\n  count  = var.extra ? 1 : 0\n}\n'
        )
    assert sorted(workspace.usual_types(source)) == [
        "aws_iam_role",
        "aws_iam_role",
        "aws_lambda_function",
        "aws_lambda_function",
        "aws_s3_bucket",
    ]


def test_types_of_what_is_there(here: Workspace) -> None:
    assert here.deployed_types() == []
    resources = [
        {"mode": "managed", "type": "aws_lambda_function", "instances": [{}, {}]},
        {"mode": "data", "type": "aws_region", "instances": [{}]},
    ]
    (here.folder / "terraform.tfstate").write_text(json.dumps({"resources": resources}))
    assert here.deployed_types() == ["aws_lambda_function", "aws_lambda_function"]
