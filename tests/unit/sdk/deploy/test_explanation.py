"""What Terraform's AWS provider and botocore say, as they say it, and what becomes of it."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)
from hypothesis import given
from hypothesis import strategies as st

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
from covalent._deploy.explanation import explain, explain_text

ALICE = "arn:aws:iam::123456789012:user/alice"
ROLE = "arn:aws:iam::123456789012:role/covalent-api"


def provider(doing: str, operation: str, code: str, status: int = 400) -> str:
    """As the provider words what AWS answers."""
    return (
        f"{doing}: operation error {operation}, https response error StatusCode: {status}, RequestID: "
        f"2f1c0c5e-9a54-4d4c-8d8c-0e6b7a5c1f11, {code}"
    )


def diagnostic(summary: str, detail: str = "", address: str = "") -> Diagnostic:
    return Diagnostic("error", summary, detail, address)


def client_error(code: str, message: str, operation: str) -> str:
    return str(ClientError({"Error": {"Code": code, "Message": message}}, operation))


def denied(text: str) -> AccessDenied:
    error = explain_text(text)
    assert isinstance(error, AccessDenied), error
    return error


def test_a_missing_permission_names_who_what_and_on_what() -> None:
    error = denied(
        provider(
            "creating IAM Role (covalent-api)",
            "IAM: CreateRole",
            f"api error AccessDenied: User: {ALICE} is not authorized to perform: iam:CreateRole on resource: {ROLE} "
            "because no identity-based policy allows the iam:CreateRole action",
            403,
        )
    )
    assert (error.action, error.resource, error.principal) == ("iam:CreateRole", ROLE, ALICE)
    assert error.what == f"{ALICE} may not do iam:CreateRole on {ROLE}."
    assert "administrator of the account allow iam:CreateRole" in error.cure


@pytest.mark.parametrize(
    ("why", "cure"),
    [
        ("with an explicit deny in a service control policy", "service control policy of your"),
        ("because no permissions boundary allows the lambda:CreateFunction action", "boundary"),
        ("because no session policy allows the lambda:CreateFunction action", "session"),
        ("with an explicit deny in an identity-based policy", "taken out of its Deny"),
    ],
)
def test_which_policy_stands_against_it(why: str, cure: str) -> None:
    text = (
        "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/Dev/alice is not authorized to perform: "
        f"lambda:CreateFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:covalent-api {why}"
    )
    error = denied(provider("creating Lambda Function", "Lambda: CreateFunction", text, 403))
    assert error.action == "lambda:CreateFunction"
    assert error.resource.endswith("function:covalent-api")
    assert cure in error.cure


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("S3: CreateBucket", "s3:CreateBucket"),
        ("CloudWatch Logs: CreateLogGroup", "logs:CreateLogGroup"),
        ("API Gateway: PutRestApi", "apigateway:PutRestApi"),
        ("SFN: TagResource", "states:TagResource"),
        ("EventBridge: PutRule", "events:PutRule"),
    ],
)
def test_where_aws_only_says_denied_the_operation_tells_the_action(
    operation: str, action: str
) -> None:
    error = denied(provider("creating it", operation, "api error AccessDenied: Access Denied", 403))
    assert error.action == action
    assert error.what == f"the caller may not do {action}."


def test_what_boto3_is_denied() -> None:
    message = f"User: {ALICE} is not authorized to perform: states:ListStateMachines on resource: *"
    error = denied(client_error("AccessDeniedException", message, "ListStateMachines"))
    assert (error.action, error.resource) == ("states:ListStateMachines", "*")
    assert (
        denied(client_error("AccessDenied", "Access Denied", "HeadBucket")).action == "HeadBucket"
    )


def test_ec2_says_it_differently() -> None:
    error = denied(
        "UnauthorizedOperation: You are not authorized to perform this operation. User: "
        f"{ALICE} is not authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:eu-west-1:123456789012:vpc/*. "
        "Encoded authorization failure message: Zm9v"
    )
    assert error.action == "ec2:CreateVpc"


QUOTAS = [
    provider(
        "creating IAM Role (covalent-api)",
        "IAM: CreateRole",
        "LimitExceeded: Cannot exceed quota for RolesPerAccount: 1000",
        409,
    ),
    provider(
        "creating S3 Bucket (covalent-123456789012-eu-west-1)",
        "S3: CreateBucket",
        "api error TooManyBuckets: You have attempted to create more buckets than allowed",
    ),
    provider(
        "setting Lambda Function (covalent-sweep) concurrency",
        "Lambda: PutFunctionConcurrency",
        "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [10].",
    ),
    provider(
        "creating Lambda Function (covalent-api)",
        "Lambda: CreateFunction",
        "CodeStorageExceededException: Code storage limit exceeded.",
    ),
    client_error("LimitExceededException", "Subscriber limit exceeded", "CreateTable"),
]
TAKEN = [
    provider(
        "creating S3 Bucket (covalent-123456789012-eu-west-1)",
        "S3: CreateBucket",
        "BucketAlreadyExists:",
        409,
    ),
    provider(
        "creating IAM Role (covalent-api)",
        "IAM: CreateRole",
        "EntityAlreadyExists: Role with name covalent-api already exists.",
        409,
    ),
    provider(
        "creating Lambda Function (covalent-api)",
        "Lambda: CreateFunction",
        "ResourceConflictException: Function already exist: covalent-api",
        409,
    ),
    provider(
        "creating AWS DynamoDB Table (covalent)",
        "DynamoDB: CreateTable",
        "ResourceInUseException: Table already exists: covalent",
    ),
    provider(
        "creating CloudWatch Logs Log Group (/aws/lambda/covalent-api)",
        "CloudWatch Logs: CreateLogGroup",
        "ResourceAlreadyExistsException: The specified log group already exists",
    ),
]
EXPIRED = [
    "Retrieving AWS account details: validating provider credentials: retrieving caller identity from STS: operation "
    "error STS: GetCallerIdentity, https response error StatusCode: 403, RequestID: abc, api error ExpiredToken: The "
    "security token included in the request is expired",
    client_error(
        "ExpiredTokenException", "The security token included in the request is expired", "PutRule"
    ),
    "No valid credential sources found: failed to refresh cached credentials, refresh cached SSO token failed",
    "The SSO session associated with this profile has expired or is otherwise invalid.",
    "Error when retrieving token from sso: Token has expired and refresh failed",
]
REGISTRY = (
    "Could not retrieve the list of available versions for provider hashicorp/aws: could not connect to "
    "registry.example.com: failed to request discovery document: Get "
    '"https://registry.example.com/.well-known/terraform.json": proxyconnect tcp: dial tcp 127.0.0.1:9: connect: '
    "connection refused"
)
TEXTS: list[tuple[str, type[DeployError], str]] = [
    *((text, QuotaReached, "Service Quotas") for text in QUOTAS),
    *((text, NameTaken, "--prefix") for text in TAKEN),
    *((text, NoCredentials, "aws sso login") for text in EXPIRED),
    ("Error: No valid credential sources found\n\nPlease see ...", NoCredentials, "aws configure"),
    ("failed to get shared config profile, nosuch", NoCredentials, "list-profiles"),
    ("AWS account ID not allowed: 111111111111", NoCredentials, "--profile"),
    (
        client_error(
            "InvalidClientTokenId", "The security token included in the request is invalid.", "X"
        ),
        NoCredentials,
        "a region that must be enabled first".capitalize(),
    ),
    (
        client_error(
            "RequestTimeTooSkewed", "The difference between the request time ...", "ListBuckets"
        ),
        NoCredentials,
        "Set the clock",
    ),
    (
        "operation error STS: GetCallerIdentity, exceeded maximum number of attempts, 9, https response error "
        'StatusCode: 0, RequestID: , request send failed, Post "https://sts.eu-wst-1.amazonaws.com/": dial tcp: lookup '
        "sts.eu-wst-1.amazonaws.com: no such host",
        Unreachable,
        "--region",
    ),
    (REGISTRY, Unreachable, "TF_CLI_CONFIG_FILE"),
    (
        provider(
            "deleting S3 Bucket",
            "S3: DeleteBucket",
            "api error BucketNotEmpty: The bucket is not empty",
            409,
        ),
        Protected,
        "--delete-data",
    ),
    (
        "ValidationException: Resource cannot be deleted as it is currently protected against deletion. "
        "Disable deletion protection first.",
        Protected,
        "--delete-data",
    ),
    (
        client_error("ThrottlingException", "Rate exceeded", "DeleteStateMachine"),
        Unreachable,
        "Wait",
    ),
    (str(NoCredentialsError()), NoCredentials, "aws configure"),
    (str(ProfileNotFound(profile="nosuch")), NoCredentials, "list-profiles"),
    (str(EndpointConnectionError(endpoint_url="https://sts.example")), Unreachable, "--region"),
]


@pytest.mark.parametrize(("text", "kind", "cure"), TEXTS)
def test_each_becomes_an_error_with_its_cure(text: str, kind: type[DeployError], cure: str) -> None:
    error = explain_text(text)
    assert type(error) is kind
    assert cure in error.cure
    assert str(error) == f"{error.what}\n{error.cure}"


@pytest.mark.parametrize(("text", "kind", "cure"), TEXTS)
def test_the_same_from_a_diagnostic_in_either_field(
    text: str, kind: type[DeployError], cure: str
) -> None:
    for each in (diagnostic(text), diagnostic("Something failed", text)):
        error = explain([each])
        assert type(error) is kind
        assert cure in error.cure


def test_a_lock_names_its_holder() -> None:
    detail = (
        "Error message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: X, api error "
        "PreconditionFailed: At least one of the pre-conditions you specified did not hold\nLock Info:\n"
        "  ID:        57bea7ec-8820-a76e-17a5-7e86be678550\n  Path:      states/covalent.tfstate\n"
        "  Operation: OperationTypeApply\n  Who:       alice@laptop\n  Version:   1.11.4\n"
        "  Created:   2026-11-22 13:42:57.147430257 +0000 UTC\n  Info:      \n\n\nTerraform acquires a state lock"
    )
    error = explain([diagnostic("Error acquiring the state lock", detail)])
    assert isinstance(error, StateLocked)
    assert (
        error.what
        == "This deployment is being changed by alice@laptop since 2026-11-22 13:42:57 UTC."
    )
    assert "terraform force-unlock 57bea7ec-8820-a76e-17a5-7e86be678550" in error.cure


def test_where_it_happened_is_said_but_not_for_the_provider() -> None:
    address = "module.covalent.module.state.aws_s3_bucket.this"
    assert explain([diagnostic(TAKEN[0], address=address)]).what.startswith(f"{address}: ")
    place = 'provider["registry.example.com/hashicorp/aws"]'
    assert explain([diagnostic(EXPIRED[0], address=place)]).what == "The AWS session has expired."


def test_several_missing_permissions_are_told_at_once() -> None:
    texts = [
        f"AccessDenied: User: {ALICE} is not authorized to perform: {action} on resource: *"
        for action in ("iam:CreateRole", "sqs:CreateQueue", "sqs:CreateQueue", "sns:CreateTopic")
    ]
    error = explain([*map(diagnostic, texts), diagnostic("execution halted")])
    assert isinstance(error, AccessDenied)
    assert error.action == "iam:CreateRole"
    assert [line.split()[4] for line in error.what.splitlines()] == [
        "iam:CreateRole",
        "sqs:CreateQueue",
        "sns:CreateTopic",
    ]


def test_many_are_counted() -> None:
    texts = [
        f"User: {ALICE} is not authorized to perform: iam:Do{n} on resource: *" for n in range(9)
    ]
    assert explain(list(map(diagnostic, texts))).what.endswith("and 5 more")


def test_what_nobody_foresaw_is_shown_as_it_is() -> None:
    error = explain([diagnostic("Weird", "Very weird.", "aws_x.y"), diagnostic("execution halted")])
    assert type(error) is DeployError
    assert str(error) == "aws_x.y: Weird\nVery weird."


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert str(explain_text(text))
    assert str(explain([diagnostic(text)])) or not text.strip()


def test_terraforms_frames_are_taken_off() -> None:
    framed = "\x1b[31m╷\x1b[0m\n\x1b[31m│\x1b[0m \x1b[1mError: Odd\x1b[0m\n│ \n│ Really odd.\n╵\n"
    assert str(explain_text(framed)) == "Error: Odd\n\nReally odd."
