"""What the configuration holds before anybody has changed it. Environment variables seed it; the file wins."""

import os
from pathlib import Path
from typing import Any


def config_path() -> Path:
    """Where the configuration file lies.

    `$COVALENT_CONFIG_DIR`, else `$XDG_CONFIG_DIR`, else `~/.config/covalent`.
    """
    folder = os.environ.get("COVALENT_CONFIG_DIR") or os.environ.get("XDG_CONFIG_DIR")
    home = Path(folder).expanduser() if folder else Path.home() / ".config" / "covalent"
    return home / "covalent.conf"


def secrets_path() -> Path:
    """Where secrets of file transfers lie; by its name it is ours, even where everybody's configuration is."""
    return config_path().absolute().with_name("covalent_secrets")


def _folder(variable: str, fallback: Path) -> str:
    return str(Path(os.environ.get(variable) or fallback).expanduser())


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "covalent"


def data_dir() -> Path:
    """Where data lie that must survive: `$COVALENT_DATA_DIR`, else `covalent` in the user's data folder."""
    return Path(_folder("COVALENT_DATA_DIR", _xdg("XDG_DATA_HOME", ".local/share")))


_MIN_WORKERS = 4


def default_workers() -> int:
    """Electrons that run at the same time: they often wait, so a small machine gets a few too."""
    return max(_MIN_WORKERS, os.cpu_count() or 1)


def defaults() -> dict[str, Any]:
    """Every section with its default values; docs/configuration.md tells what each does."""
    env = os.environ.get
    config = config_path()
    cache = Path(_folder("COVALENT_CACHE_DIR", _xdg("XDG_CACHE_HOME", ".cache")))
    data = data_dir()
    logs = _folder("COVALENT_LOGDIR", cache)
    results = _folder("COVALENT_RESULTS_DIR", data / "results")
    port = int(env("COVALENT_SVC_PORT") or 48008)
    address = env("COVALENT_DISPATCHER_ADDR") or "localhost"
    return {
        "sdk": {
            "config_file": str(config),
            "log_dir": logs,
            "log_level": (env("LOGLEVEL") or "warning").lower(),
            "enable_logging": (env("COVALENT_LOG_TO_FILE") or "false").lower(),
            "executor_dir": _folder("COVALENT_EXECUTOR_DIR", config.parent / "executor_plugins"),
            "no_cluster": "true",
            "exhaustive_postprocess": "false",
            "task_packing": "true" if env("COVALENT_ENABLE_TASK_PACKING") else "false",
            "dispatch_cache_dir": _folder("COVALENT_DISPATCH_CACHE_DIR", cache / "dispatches"),
            "results_dir": results,
        },
        "dispatcher": {
            "address": address,
            "port": port,
            "token": "",
            "profile": "",
            "quiet": False,
            "cache_dir": str(cache),
            "results_dir": results,
            "log_dir": logs,
            **_of_covalents_dispatcher(cache, data),
        },
        "dask": {
            "cache_dir": str(cache),
            "log_dir": logs,
            "mem_per_worker": "auto",
            "threads_per_worker": 1,
            "num_workers": default_workers(),
        },
        "workflow_data": {
            "db_path": _database("workflow_db.sqlite", data),
            "storage_type": "local",
            "base_dir": str(data / "workflow_data"),
        },
        "user_interface": {
            "address": address,
            "port": port,
            "dev_port": 49009,
            "log_dir": logs,
            "dispatch_db": str(cache / "dispatch_db.sqlite"),
        },
        "executors": {name: _of_streams(cache) for name in ("local", "dask")},
        "qelectron": _of_quantum_executors(),
    }


def _of_quantum_executors() -> dict[str, Any]:
    account = {"ibmqx_token": "", "hub": "ibm-q", "group": "open", "project": "main"}
    backend = {"backend": "ibmq_qasm_simulator"}
    options = {"optimization_level": 3, "resilience_level": 1}
    return {
        "QiskitExecutor": {"device": "local_sampler", **backend, **account, "options": options},
        "IBMQExecutor": {**backend, **account},
        "BraketQubitExecutor": {"s3_destination_folder": []},
        "LocalBraketQubitExecutor": {"backend": "default"},
    }


def _of_covalents_dispatcher(cache: Path, data: Path) -> dict[str, Any]:
    """What Covalent's own server is set with, for scripts that read it."""
    env = os.environ.get
    return {
        "db_path": _database("dispatcher_db.sqlite", data),
        "heartbeat_interval": int(env("COVALENT_HEARTBEAT_INTERVAL") or 5),
        "heartbeat_file": env("COVALENT_HEARTBEAT_FILE") or str(cache / "heartbeat"),
        "use_async_dispatcher": (env("COVALENT_USE_ASYNC_DISPATCHER") or "true").lower(),
        "asset_cache_size": int(env("COVALENT_ASSET_CACHE_SIZE") or 32),
    }


def _database(name: str, data: Path) -> str:
    return os.environ.get("COVALENT_DATABASE") or str(data / name)


def _of_streams(cache: Path) -> dict[str, str]:
    return {"log_stdout": "stdout.log", "log_stderr": "stderr.log", "cache_dir": str(cache)}
