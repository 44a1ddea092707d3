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


def defaults() -> dict[str, Any]:
    """Every section with its default values."""
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
        },
        "workflow_data": {"storage_type": "local", "base_dir": str(data / "workflow_data")},
        "user_interface": {"address": address, "port": port, "log_dir": logs},
        "executors": {},
    }
