"""`covalent share`."""

import click


@click.command(
    epilog="\b\nExample: covalent share DISPATCH_ID --with arn:aws:iam::123456789012:role/lab"
)
@click.argument("dispatch_id")
@click.option(
    "--with",
    "shared_with",
    multiple=True,
    metavar="ARN",
    help="Let this user, role or person of IAM Identity Center read it; can be given several times.",
)
@click.option(
    "--revoke",
    "revoked",
    multiple=True,
    metavar="ARN",
    help="Let them no longer; can be given several times.",
)
@click.option(
    "--list", "listed", is_flag=True, help="Only show who may read it, as without options."
)
@click.option(
    "--profile",
    metavar="NAME",
    help="The deployment that has the dispatch. By default the one that a dispatch would go to.",
)
def share(
    dispatch_id: str,
    shared_with: tuple[str, ...],
    revoked: tuple[str, ...],
    listed: bool,
    profile: str | None,
) -> None:
    """Let others read a dispatch of yours, and show who may.

    They see its status, results and output, and can change nothing. One ARN is printed for each.
    """
    if listed and (shared_with or revoked):
        raise click.UsageError("--list changes nothing: leave out --with and --revoke, or --list")
    from covalent import sharing  # noqa: PLC0415  # loads httpx, pydantic

    if shared_with:
        sharing.share(dispatch_id, *shared_with, dispatcher_addr=profile)
    if revoked:
        sharing.revoke(dispatch_id, *revoked, dispatcher_addr=profile)
    known = sharing.readers(dispatch_id, profile)
    for principal in known:
        click.echo(principal)
    if not known:
        click.echo("Nobody but you.", err=True)
