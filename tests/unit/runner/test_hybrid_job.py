import json
from pathlib import Path

from covalent_runner.hybrid_job import enter


def test_hyperparameters_are_the_environment_of_a_job(tmp_path: Path) -> None:
    file = tmp_path / "hyperparameters.json"
    file.write_text(
        json.dumps({"COVALENT_ELECTRON": "d 0 0 t", "COVALENT_TABLE": "t", "PATH": "evil"})
    )
    environment = {
        "AMZN_BRAKET_HP_FILE": str(file),
        "AMZN_BRAKET_JOB_NAME": "d-0-0",
        "COVALENT_TABLE": "mine",
        "PATH": "/bin",
    }
    enter(environment)
    assert environment["COVALENT_ELECTRON"] == "d 0 0 t"
    assert environment["COVALENT_TABLE"] == "mine", "what is set already stays"
    assert environment["PATH"] == "/bin", "only names of ours are taken"
    handle = json.loads(environment["COVALENT_JOB_HANDLE"])
    assert handle == {"executor": "braket", "job": "d-0-0"}


def test_the_arn_of_a_job_is_told_where_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "hyperparameters.json"
    file.write_text("{}")
    arn = "arn:aws:braket:us-east-1:1:job/x"
    environment = {
        "AMZN_BRAKET_HP_FILE": str(file),
        "AMZN_BRAKET_JOB_NAME": "d-0-0",
        "AMZN_BRAKET_JOB_ARN": arn,
    }
    enter(environment)
    assert json.loads(environment["COVALENT_JOB_HANDLE"])["job"] == arn


def test_a_process_of_the_job_has_its_own_electron(tmp_path: Path) -> None:
    file = tmp_path / "hyperparameters.json"
    file.write_text(json.dumps({"COVALENT_ELECTRON": "d 0 0 token", "COVALENT_TIME_LIMIT": "7"}))
    environment = {"AMZN_BRAKET_HP_FILE": str(file), "COVALENT_ELECTRON": "d 0 0"}
    before = dict(environment)
    enter(environment)
    assert environment == before


def test_elsewhere_nothing_changes() -> None:
    environment: dict[str, str] = {"HOME": "/root"}
    enter(environment)
    enter(missing := {"AMZN_BRAKET_HP_FILE": "/no/such/file"})
    assert environment == {"HOME": "/root"}
    assert list(missing) == ["AMZN_BRAKET_HP_FILE"]
