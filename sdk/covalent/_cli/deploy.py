"""`covalent deploy`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from covalent._deploy.deployment import Deployment
    from covalent._deploy.events import Planned

Command = Callable[..., Any]

_region = click.option(
    "--region",
    metavar="REGION",
    help="AWS region, as eu-central-1. By default that of the AWS profile or of AWS_REGION.",
)
_profile = click.option(
    "--profile",
    metavar="AWS_PROFILE",
    help="Profile of the AWS configuration (~/.aws/config) whose credentials are used. By default what the AWS command "
    "line would use.",
)
_prefix = click.option(
    "--prefix",
    default="covalent",
    show_default=True,
    metavar="PREFIX",
    help="What all names in AWS begin with. Several deployments share an account and region by it.",
)
_state = click.option(
    "--state",
    metavar="s3://BUCKET/KEY",
    help="Keep Terraform's state in that object, so that others can manage the deployment too. By default it is in the "
    "user's data folder, below ~/.local/share/covalent/deployments. Name it at the first `up`; later it is known here.",
)
_yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def _together(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def apply(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


_place = _together(_region, _profile, _prefix, _state)
_shape = _together(
    click.option(
        "--name",
        metavar="NAME",
        help="Name of the profile that the SDK finds the deployment by. By default the prefix.",
    ),
    click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="3.X",
        help="Python version that electrons are to run on; can be given several times. It must be that of whoever "
        "dispatches. By default the one that runs this.",
    ),
    click.option(
        "--architecture",
        metavar="ARCHITECTURE",
        help="x86_64 (by default) or arm64, which is a fifth cheaper for each second.",
    ),
    click.option(
        "--executors",
        multiple=True,
        metavar="NAME",
        help="An executor to make resources for, as batch, ecs, ec2, braket, ssh or slurm; can be given several times. "
        "lambda is always there. One that is turned on stays so: --var batch=null turns it off.",
    ),
    click.option(
        "--var",
        "variables",
        multiple=True,
        metavar="NAME=VALUE",
        help="A further variable of the Terraform module, its value in JSON or a plain string, as runner_memory=3008 "
        """or 'tags={"team": "qc"}'; can be given several times. An unknown name lists those there are.""",
    ),
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample: covalent deploy up --region eu-central-1\n"
    "         export COVALENT_PROFILE=covalent\n"
    "         covalent doctor",
)
def deploy() -> None:
    """Deploy the control plane to AWS, and manage it.

    A deployment is API Gateway, Lambda, Step Functions, DynamoDB and S3. While no workflow runs it costs about nothing:
    `covalent deploy cost`. It is made by Terraform, which must be installed, with the credentials that the AWS command
    line would use. Needs pip install 'covalent-serverless[deploy]'.
    """


@deploy.command()
@_place
@_shape
@_yes
def up(yes: bool, **options: Any) -> None:
    """Make, update or resume a deployment.

    Shows what would be made, changed or destroyed in which account, asks, and does it. Then it writes the endpoint into
    the SDK's configuration, as a profile. What is not given is as the last time.

    Ctrl-C stops it cleanly. Whatever stops it, the next `up` goes on, and `down` removes what was made.
    """
    from covalent._cli.deploying import View  # noqa: PLC0415  # loads rich

    deployment = _deployment(options)
    with View() as view:

        def confirm(planned: "Planned") -> bool:
            _show_plan(view, planned)
            return yes or click.confirm("Do it?")

        done = view.follow(deployment.up(confirm))
    if getattr(done, "values", None):
        name = deployment.settings.name
        click.echo(f"\nNext:\n  export COVALENT_PROFILE={name}\n  covalent doctor")


@deploy.command()
@_place
@_shape
def plan(**options: Any) -> None:
    """Show what `up` would do, and do nothing."""
    from covalent._cli.deploying import View  # noqa: PLC0415  # loads rich

    deployment = _deployment(options)
    with View() as view:
        _show_plan(view, view.follow(deployment.plan()))


@deploy.command()
@_place
@click.option(
    "--drift",
    is_flag=True,
    help="Also look in AWS for what is other than it was left; this takes a while.",
)
def status(drift: bool, **options: Any) -> None:
    """Show a deployment, and whether it answers.

    Also whether it is of the version that is installed here, and where its state is.
    """
    from covalent._cli.deploying import View, status_table  # noqa: PLC0415  # loads rich

    deployment = _deployment(options)
    with View() as view:
        view.console.print(status_table(deployment.status()))
        if drift:
            _show_plan(view, view.follow(deployment.drift()))


@deploy.command()
@_place
@_yes
@click.option("--force", is_flag=True, help="Although dispatches run; they end.")
@click.option(
    "--delete-data",
    is_flag=True,
    help="Also delete what dispatches were given and what they returned. Without it a deployment that holds such data "
    "is left alone, unless it was made with --var protect=false.",
)
def down(yes: bool, force: bool, delete_data: bool, **options: Any) -> None:
    """Destroy a deployment, and leave nothing of it.

    Shows what would be destroyed and asks. Refuses while dispatches run, and while there are data. It also deletes the
    state machines that dispatches have made, and the SDK's profile.
    """
    from covalent._cli.deploying import View  # noqa: PLC0415  # loads rich
    from covalent._deploy.removal import Removal  # noqa: PLC0415  # loaded when first used

    deployment = _deployment(options)
    with View() as view:

        def confirm(planned: "Planned") -> bool:
            _show_plan(view, planned)
            return yes or click.confirm("Destroy it?")

        def confirm_data() -> bool:
            return yes or click.confirm("Delete all data of its dispatches, for good?")

        how = Removal(confirm, confirm_data, force=force, delete_data=delete_data)
        view.follow(deployment.down(how))


@deploy.command()
@_region
@_prefix
def cost(region: str | None, prefix: str) -> None:
    """Show what an idle deployment and electrons cost.

    Idle means that nothing runs; item by item. Of a deployment that was made from here these are its own resources,
    otherwise those that `up` would make. List prices of us-east-1 without the free tier. AWS is not asked.
    """
    from rich.console import Console  # noqa: PLC0415  # loaded when first used

    from covalent._cli.deploying import electrons_table, idle_table  # noqa: PLC0415  # loads rich
    from covalent._deploy import estimate, sources, workspace  # noqa: PLC0415  # loaded when first used

    found = workspace.known(region or "*", prefix)
    types = [kind for each in found[:1] for kind in each.deployed_types()]
    types = types or workspace.usual_types(sources.terraform())
    console = Console(highlight=False)
    console.print(idle_table(estimate.idle(types)))
    if others := estimate.unknown(types):
        console.print(f"Not in the sum, as it depends on their size: {', '.join(others)}.")
    console.print(electrons_table(estimate.electrons()))
    console.print(
        "Electrons of 0.1 s and 512 MB on Lambda, 100 in a dispatch beside each other; none fails."
    )


@deploy.command()
@click.argument("cloud", type=click.Choice(["azure", "google"]))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    required=True,
    help="Write the zip there.",
)
def function(cloud: str, output: Path) -> None:
    """Write what Azure or Google deploys as a function.

    It is a zip of what electrons run in. docs/executors/azurefunctions.md and docs/executors/gcpfunctions.md tell how.
    """
    from covalent_executors import function_app  # noqa: PLC0415  # loaded when first used

    output.write_bytes(function_app.archive(cloud))
    click.echo(f"Written to {output}.")


def _deployment(options: dict[str, Any]) -> "Deployment":
    from covalent._deploy.account import Account  # noqa: PLC0415  # loaded when first used
    from covalent._deploy.deployment import Deployment  # noqa: PLC0415  # loaded when first used
    from covalent._deploy.settings import (  # noqa: PLC0415  # loaded when first used
        Wanted,
        variables_for,
        variables_of,
    )

    wanted = Wanted(
        prefix=options["prefix"],
        name=options.get("name"),
        pythons=options.get("pythons", ()),
        architecture=options.get("architecture"),
        variables={
            **variables_for(options.get("executors", ())),
            **variables_of(options.get("variables", ())),
        },
        state=options["state"],
    )
    return Deployment(wanted, Account.find(options["region"], options["profile"]))


def _show_plan(view: Any, planned: Any) -> None:
    from covalent._cli.deploying import drift_table, plan_line, plan_table  # noqa: PLC0415  # loads rich

    if planned.drift:
        view.console.print(drift_table(planned.drift))
    if not planned.is_empty:
        view.console.print(plan_table(planned))
    view.console.print(plan_line(planned))
