"""`covalent purge`."""

import shutil
from pathlib import Path

import click

from covalent._programmatic import commands, dask_cluster
from covalent._shared_files.config import get_config, lock_of
from covalent._shared_files.defaults import secrets_path


@click.command()
@click.option("-H", "--hard", is_flag=True, help="Delete all dispatches and results as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def purge(hard: bool, yes: bool) -> None:
    """Stop the server; delete its log, cache, config file and secrets."""
    here = commands.place()
    config = _directory("sdk.config_file")
    logs = [here.log_file, dask_cluster.place_beside(here).log_file]
    doomed = [*logs, _directory("dispatcher.cache_dir"), config, lock_of(config)]
    doomed += [kept for kept in (secrets_path(),) if kept.is_dir()]
    doomed += [here.data_dir] if hard else []
    _refuse_precious(doomed)
    click.echo("This stops the server and deletes:")
    for path in doomed:
        click.echo(f"  {path}")
    if not yes:
        click.confirm("Delete them?", abort=True)
    commands.ensure_stopped()
    for path in doomed:
        _delete(path)
    click.echo("Covalent has been purged.")


def _directory(key: str) -> Path:
    return Path(str(get_config(key))).expanduser().absolute()


def _refuse_precious(paths: list[Path]) -> None:
    """A directory that someone configured may hold more than what is ours."""
    precious = [Path.home().resolve(), Path.cwd().resolve()]
    for path in paths:
        if any(each.is_relative_to(path.resolve()) for each in precious):
            raise click.ClickException(
                f"{path} holds your home or working directory: delete in it by hand what you "
                "do not need"
            )


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
