"""`covalent secret`."""

import re
import sys
from pathlib import Path

import click

_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,200}")
_PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ AAAA")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def secret() -> None:
    """Keep keys and passwords of executors in AWS Secrets Manager."""


@secret.command(
    epilog="\b\nExample: covalent secret put lab-key --file ~/.ssh/id_ed25519\n"
    "         pass show azure/client | covalent secret put azure-client"
)
@click.argument("name")
@click.option(
    "--file",
    "path",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Read the secret from this file. By default from stdin; a terminal asks, and does not show what is typed.",
)
@click.option(
    "--profile",
    metavar="NAME",
    help="The deployment that is to read it. By default the one that a dispatch would go to.",
)
def put(name: str, path: Path | None, profile: str | None) -> None:
    """Store a secret in AWS Secrets Manager, and print its ARN.

    Give the ARN to an executor where it asks for the file of a key or for a password: SSHExecutor(ssh_key_file=ARN).
    It is stored with the AWS credentials that the AWS command line would use. A second one of the same name takes the
    place of the first. The offline AWS keeps secrets until it stops.
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be the name of a secret: letters, digits and /_+=.@- can, up to 200 of them"
        )
    text = _checked(_read(path), path)
    from covalent._dispatch import address, secret_store  # noqa: PLC0415  # loads httpx, botocore

    if len(text.encode()) > secret_store.LONGEST:
        raise click.ClickException(f"a secret may have {secret_store.LONGEST} bytes, not more")
    click.echo(secret_store.put(address.resolve(profile), name, text))


def _read(path: Path | None) -> str:
    if path is None or str(path) == "-":
        if sys.stdin.isatty():
            return str(click.prompt("Secret", hide_input=True, err=True))
        return _decoded(sys.stdin.buffer.read(), "stdin")
    try:
        return _decoded(path.expanduser().read_bytes(), str(path))
    except OSError as exc:
        raise click.ClickException(f"{path} cannot be read: {exc.strerror}") from None


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise click.ClickException(f"{place} is not text, as a secret must be") from None


def _checked(text: str, path: Path | None) -> str:
    """A key ends with its line, a password without one."""
    if not text.strip():
        raise click.ClickException(f"there is nothing in {path or 'what was given'}")
    if _PUBLIC_KEY.match(text):
        raise click.ClickException(
            f"{path or 'that'} is the public half of a key: the secret is the file without .pub"
        )
    stripped = text.rstrip("\r\n")
    return stripped if "\n" not in stripped else f"{stripped}\n"
