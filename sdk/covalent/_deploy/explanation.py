"""What Terraform, its AWS provider and AWS itself refuse, as a short message with its cure.

The provider and botocore wrap the same answers of AWS in different words, so one table of rules reads both. The first
rule whose pattern is found decides, so the narrow ones come first.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from covalent._deploy.errors import (
    AccessDenied,
    DeployError,
    NameTaken,
    NoCredentials,
    Protected,
    QuotaReached,
    StateLocked,
    Unreachable,
)
from covalent._deploy.events import Diagnostic

_ADDED = (
    "execution halted",
    "Operation canceled",
    "Terraform encountered problems during initiali",
)
_SHOWN = 600
"""Characters that are shown of what no rule knows."""
_LISTED = 3
"""Errors that are shown of several."""


def explain(diagnostics: Sequence[Diagnostic]) -> DeployError:
    """The error that diagnostics of Terraform amount to. Of several, the first that a rule knows decides what it is.

    Args:
        diagnostics: at least one; warnings are left out.

    """
    found = [(each, _known(each.text)) for each in diagnostics if each.is_error and _says(each)]
    found = found or [(each, _known(each.text)) for each in diagnostics]
    known = [_placed(each, error) for each, error in found if error is not None]
    if known:
        return _with_others(_distinct(known))
    shown = [_unknown(each) for each, _ in found]
    return DeployError("\n".join(dict.fromkeys(shown[:_LISTED])))


def explain_text(text: str) -> DeployError:
    """The error that a text amounts to: what Terraform wrote to stderr, or what botocore raised."""
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", text)
    plain = re.sub(r"^[╷│╵] ?", "", uncoloured, flags=re.MULTILINE).strip()
    return _known(plain) or DeployError(_short(plain) or "Terraform ended without saying why.")


@dataclass(frozen=True)
class _Rule:
    """A text in which pattern is found is explained by make, from the match and the text."""

    pattern: re.Pattern[str]
    make: Callable[[re.Match[str], str], DeployError]


def _says(diagnostic: Diagnostic) -> bool:
    """Whether it is more than what Terraform adds to every error of that kind."""
    return not diagnostic.summary.startswith(_ADDED)


def _known(text: str) -> DeployError | None:
    flat = " ".join(text.split())
    for rule in _RULES:
        if match := rule.pattern.search(flat):
            return rule.make(match, flat)
    return None


def _placed(diagnostic: Diagnostic, error: DeployError) -> DeployError:
    """Say which resource it was about."""
    place = diagnostic.address
    if place and not place.startswith("provider"):
        error.what = f"{place}: {error.what}"
    return error


def _distinct(errors: Sequence[DeployError]) -> list[DeployError]:
    return list({error.what: error for error in errors}.values())


def _with_others(errors: Sequence[DeployError]) -> DeployError:
    """The first one, which also names others: who lacks one permission often lacks several."""
    first, *others = errors
    more = [f"and {len(others) - _LISTED} more"] if len(others) > _LISTED else []
    first.what = "\n".join([first.what, *(each.what for each in others[:_LISTED]), *more])
    first.cure = "\n".join(dict.fromkeys(each.cure for each in errors if each.cure))
    return first


def _unknown(diagnostic: Diagnostic) -> str:
    place = f"{diagnostic.address}: " if diagnostic.address else ""
    return f"{place}{_short(diagnostic.text)}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _rule(pattern: str, kind: type[DeployError], what: str, cure: str) -> _Rule:
    """A rule with fixed texts, in which {0} is what the pattern found and {1} its first group."""

    def make(match: re.Match[str], _text: str) -> DeployError:
        words = (match[0], *(group or "" for group in match.groups()))
        return kind(what.format(*words), cure.format(*words))

    return _Rule(re.compile(pattern, re.IGNORECASE), make)


_DENIED = re.compile(
    r"(?:User: (?P<who>\S+) is )?(?:not|n't) authorized to perform:? (?P<what>[a-z0-9-]+:\w+)"
    r"(?: on resource: (?P<on>\S+?))?(?=[\s,.]|$)(?P<why> (?:because|with) .*?(?:action|policy|boundary))?"
)
_OPERATION = re.compile(
    r"operation error (?P<service>[\w ]+): (?P<name>\w+)|calling the (?P<called>\w+) operation"
)
_CODES = re.compile(
    r"\b(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError|Forbidden|HeadBucket.*?403)\b"
)


def _denied(_match: re.Match[str], text: str) -> AccessDenied:
    told = _DENIED.search(text)
    found = told.groupdict(default="") if told else {}
    action = found.get("what") or _action(text)
    who, where = found.get("who", ""), found.get("on", "")
    place = f" on {where}" if where else ""
    cure = _grant(action, found.get("why", ""))
    error = AccessDenied(f"{who or 'the caller'} may not do {action}{place}.", cure)
    error.action, error.resource, error.principal = action, where, who
    return error


def _grant(action: str, why: str) -> str:
    """Who must change what: a permission alone does not help against a policy above it."""
    if "service control policy" in why:
        return (
            f"A service control policy of your organization forbids it: its administrators must allow {action} "
            "in this account and region."
        )
    if "permissions boundary" in why:
        return f"The permissions boundary of this user or role leaves it out: it must allow {action} too."
    if "session policy" in why:
        return f"The policy of this session leaves it out: assume the role without it, or have it allow {action}."
    if "explicit deny" in why:
        return f"A policy denies it explicitly: {action} must be taken out of its Deny."
    return f"Have an administrator of the account allow {action} for this user or role."


def _action(text: str) -> str:
    """The action from the name of the operation, where AWS says no more than that access is denied."""
    match = _OPERATION.search(text)
    if match is None:
        return "this"
    if match["called"]:
        return str(match["called"])
    service = match["service"].strip()
    return f"{_SERVICES.get(service, service.lower().replace(' ', ''))}:{match['name']}"


_SERVICES = {
    "API Gateway": "apigateway",
    "CloudWatch Logs": "logs",
    "CloudWatch": "cloudwatch",
    "EventBridge": "events",
    "SFN": "states",
}
"""Prefixes of actions that are not the service's name without spaces."""


def _locked(_match: re.Match[str], text: str) -> StateLocked:
    info = text.partition("Lock Info:")[2]
    parts = {
        key: (found[1] if (found := re.search(rf"\b{key}:\s+(\S+(?: [\d:.]+)?)", info)) else "")
        for key in ("ID", "Who", "Created")
    }
    who = f" by {parts['Who']}" if parts["Who"] else ""
    since = f" since {parts['Created'].partition('.')[0]} UTC" if parts["Created"] else ""
    unlock = f"terraform force-unlock {parts['ID']}" if parts["ID"] else "terraform force-unlock"
    return StateLocked(
        f"This deployment is being changed{who}{since}.",
        f"Wait until that ends. If it has died, call `{unlock}` in the folder that `covalent deploy status` names.",
    )


_LOGIN = "Log in again (aws sso login, or new keys), and choose the right profile with --profile."
_RULES = (
    _Rule(re.compile("Error acquiring the state lock|state blob is already locked"), _locked),
    _rule(
        r"\b(ExpiredToken(?:Exception)?|RequestExpired|TokenRefreshRequired)\b"
        r"|token (?:included in the request )?(?:is|has) expired|Token for \S+ does not exist"
        r"|SSO session .*expired|refresh cached SSO token failed",
        NoCredentials,
        "The AWS session has expired.",
        _LOGIN,
    ),
    _rule(
        r"RequestTimeTooSkewed|Signature (?:expired|not yet current)|RequestInTheFuture",
        NoCredentials,
        "The clock of this machine is wrong: AWS refuses its signatures.",
        "Set the clock (timedatectl set-ntp true).",
    ),
    _rule(
        r"No valid credential sources found|Unable to locate credentials|NoCredentialProviders",
        NoCredentials,
        "There are no credentials for AWS.",
        "Set them up with `aws configure` or `aws configure sso`, or name a profile with --profile.",
    ),
    _rule(
        r"failed to get shared config profile, (\S+)|The config profile \(([^)]+)\) could not be found",
        NoCredentials,
        "There is no AWS profile {1}{2}.",
        "`aws configure list-profiles` names those there are.",
    ),
    _rule(
        r"\b(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure)\b",
        NoCredentials,
        "AWS does not accept the credentials ({1}).",
        f"{_LOGIN} A region that must be enabled first answers so too: look in the account's settings.",
    ),
    _rule(
        r"AWS account ID not allowed: (\d+)",
        NoCredentials,
        "The credentials belong to account {1}, the deployment to another one.",
        "Choose the right profile with --profile.",
    ),
    _Rule(_CODES, _denied),
    _Rule(_DENIED, _denied),
    _rule(
        r"UnreservedConcurrentExecution\w* below its minimum",
        QuotaReached,
        "The account may not run as many Lambda functions at once as the deployment reserves.",
        "Ask for more under Service Quotas, Lambda, Concurrent executions; new accounts often have 10.",
    ),
    _rule(
        r"\b(?:LimitExceeded(?:Exception)?|ServiceQuotaExceeded(?:Exception)?|TooManyBuckets|CodeStorageExceededException"
        r"|ServiceLimitExceeded|StateMachineLimitExceeded)\b:?\s*(.{0,200})",
        QuotaReached,
        "A quota of the account is reached: {0}",
        "Ask for more under Service Quotas in the AWS console, or delete what is not needed.",
    ),
    _rule(
        r"\b(?:BucketAlreadyExists|BucketAlreadyOwnedByYou|EntityAlreadyExists(?:Exception)?|ResourceConflictException"
        r"|ResourceInUseException: Table already exists|ResourceAlreadyExistsException|QueueAlreadyExists"
        r"|QueueNameExists|DashboardAlreadyExists)\b:?\s*(.{0,160})",
        NameTaken,
        "Something with this name exists already, and this deployment did not make it: {0}",
        "Choose another prefix with --prefix, or delete that by hand if nobody needs it. If another machine made this "
        "deployment, its state is there: name the same with --state.",
    ),
    _rule(
        r"BucketNotEmpty",
        Protected,
        "The bucket holds objects.",
        "`covalent deploy down --delete-data` deletes them, for good.",
    ),
    _rule(
        r"deletion protection (?:is )?enabled|protected against deletion",
        Protected,
        "The table is protected from deletion.",
        "`covalent deploy down --delete-data` takes the protection away, and the data with it.",
    ),
    _rule(
        r"could not connect to (registry\.\S+?):|Failed to query available provider packages"
        r"|Failed to install provider|registry\.\S+ .*(?:timeout|no such host)",
        Unreachable,
        "Terraform cannot get its AWS provider from the registry.",
        "Look at the network and its proxy (HTTPS_PROXY). Without access, put a mirror of the provider into a "
        "Terraform CLI configuration and name it in TF_CLI_CONFIG_FILE: "
        "https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation",
    ),
    _rule(
        r"dial tcp:? .{0,80}(?:no such host|connection refused|i/o timeout|network is unreachable)"
        r"|Could not connect to the endpoint URL|ConnectTimeout|EndpointConnectionError|request send failed",
        Unreachable,
        "AWS does not answer.",
        "Look at the network, its proxy (HTTPS_PROXY), and whether the region is spelt right (--region).",
    ),
    _rule(
        r"\b(Throttling(?:Exception)?|TooManyRequestsException|RequestLimitExceeded|Rate exceeded|SlowDown)\b",
        Unreachable,
        "AWS has had too many requests from this account ({0}).",
        "Wait a minute.",
    ),
    _rule(
        r"ResourceInUseException|OperationAborted|ConcurrentModification|conflicting conditional operation",
        StateLocked,
        "AWS is still busy with an earlier change of the same thing ({0}).",
        "Wait a minute.",
    ),
)
