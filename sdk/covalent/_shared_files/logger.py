"""The log of Covalent and of plugins written for it, as `log_level`, `enable_logging` and `log_dir` in `[sdk]` say.

It goes to stderr, or, if `enable_logging` is "true", to `covalent.log` in the log folder.
"""

import logging
from pathlib import Path

from covalent._shared_files.config import get_config

__all__ = ["app_log", "log_stack_info"]

_FORMAT = "[%(asctime)s] [%(levelname)s] %(filename)s:%(lineno)s %(message)s"


def _handler() -> logging.Handler:
    settings = get_config("sdk")
    if str(settings["enable_logging"]).lower() != "true":
        return logging.StreamHandler()
    folder = Path(str(settings["log_dir"])).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return logging.FileHandler(folder / "covalent.log", delay=True)


def configured() -> logging.Logger:
    """The logger, as the configuration is now."""
    logger = logging.getLogger("covalent")
    level = logging.getLevelName(str(get_config("sdk.log_level")).upper())
    logger.setLevel(level if isinstance(level, int) else logging.WARNING)
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        old.close()
    handler = _handler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    logger.propagate = False
    return logger


app_log = configured()
log_stack_info = app_log.isEnabledFor(logging.DEBUG)
"""Whether messages shall carry the stack."""
