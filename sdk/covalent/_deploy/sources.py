"""Where the sources of a deployment are: in a checkout beside this package, in an installation inside it."""

import importlib.util
from pathlib import Path

from covalent_contracts.errors import NotFound

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parents[2]


def terraform() -> Path:
    """The folder of the Terraform root module.

    Raises:
        NotFound: the installation is damaged.

    """
    return _first(_HERE / "terraform", _CHECKOUT / "infra" / "terraform")


def application() -> Path:
    """The file that the control plane's Lambda functions start from.

    Raises:
        NotFound: the installation is damaged.

    """
    return _first(_HERE / "control_plane" / "app.py", _CHECKOUT / "control_plane" / "app.py")


def image() -> Path:
    """The folder with what the container image is made from.

    Raises:
        NotFound: the installation is damaged.

    """
    return _first(_HERE / "image", _CHECKOUT / "infra" / "image")


def lock(name: str) -> Path:
    """The lock file of what one kind of zip contains beside our own packages.

    Raises:
        NotFound: the installation is damaged.

    """
    return _first(_HERE / "locks" / f"{name}.lock")


def package(name: str) -> Path:
    """The folder of one of our packages, which is not imported for that.

    Raises:
        NotFound: it is not installed.

    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(f"the package {name} is not installed: {_CURE}")
    return Path(spec.submodule_search_locations[0])


_CURE = "install covalent-serverless[deploy] again"


def _first(*places: Path) -> Path:
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise NotFound(f"{places[0]} is missing: {_CURE}")
    return found
