"""Whom an ARN stands for, and what that principal may read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.control_plane.conftest import ALICE, BOB, LAB

from covalent_contracts.ids import owner_of, principal_of
from covalent_control_plane.callers import Caller

SSO_ROLE = "AWSReservedSSO_Scientist_0123456789abcdef"
STS, IAM = "arn:aws:sts::123456789012", "arn:aws:iam::123456789012"
CAROL = f"{STS}:assumed-role/{SSO_ROLE}/carol@example.org"
DAVE = f"{STS}:assumed-role/{SSO_ROLE}/dave@example.org"
SCIENTISTS = f"{IAM}:role/{SSO_ROLE}"


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        (BOB, LAB),
        (f"{STS}:assumed-role/lab/1795339800", LAB),
        (LAB, LAB),
        (f"{IAM}:role/team/physics/lab", LAB),
        (ALICE, ALICE),
        (f"{IAM}:user/team/alice", f"{IAM}:user/team/alice"),
        (f"{IAM}:root", f"{IAM}:root"),
        (f"{STS}:federated-user/erin", f"{STS}:federated-user/erin"),
        (CAROL, CAROL),
        (f"{IAM}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{SSO_ROLE}", SCIENTISTS),
        (f"{STS}:assumed-role/AWSReservedSSO_x/carol", f"{IAM}:role/AWSReservedSSO_x"),
        (f"{STS}:assumed-role/MyAWSReservedSSO_x_0123456789abcdef/carol", None),
        ("arn:aws-us-gov:sts::1:assumed-role/lab/x", "arn:aws-us-gov:iam::1:role/lab"),
        ("something else", "something else"),
    ],
)
def test_the_same_principal_at_every_login(arn: str, principal: str | None) -> None:
    if principal is None:
        assert principal_of(arn) == f"{IAM}:role/MyAWSReservedSSO_x_0123456789abcdef"
    else:
        assert principal_of(arn) == principal


def test_a_deployment_may_take_identity_centers_roles_for_owners() -> None:
    assert principal_of(CAROL, people=False) == principal_of(DAVE, people=False) == SCIENTISTS


NAMES = st.text(st.sampled_from("abcXYZ019+=,.@_-"), min_size=1, max_size=12)


@given(role=NAMES, one=NAMES, other=NAMES, people=st.booleans())
def test_a_session_never_decides_but_in_identity_center(
    role: str, one: str, other: str, people: bool
) -> None:
    found = {
        principal_of(f"{STS}:assumed-role/{role}/{each}", people=people) for each in (one, other)
    }
    assert found == {f"{IAM}:role/{role}"}


@given(
    arn=st.one_of(
        st.builds(f"{STS}:assumed-role/{{}}/{{}}".format, NAMES | st.just(SSO_ROLE), NAMES),
        st.builds(f"{IAM}:role/{{}}/{{}}".format, NAMES, NAMES),
        st.builds(f"{IAM}:user/{{}}".format, NAMES),
        st.text(),
    ),
    people=st.booleans(),
)
def test_a_principal_is_its_own_principal(arn: str, people: bool) -> None:
    principal = principal_of(arn, people=people)
    assert principal_of(principal, people=people) == principal


def test_people_of_one_role_do_not_see_each_others_dispatches() -> None:
    carol, dave = Caller.of(CAROL), Caller.of(DAVE)
    assert carol.owner != dave.owner
    assert carol.may_read(carol.owner, (), {})
    assert not carol.may_read(dave.owner, (), {})
    assert Caller.of(CAROL, people=False).may_read(Caller.of(DAVE, people=False).owner, (), {})


@pytest.mark.parametrize(
    ("readers", "may_read"),
    [([CAROL], True), ([SCIENTISTS], True), ([DAVE], False), ([ALICE, LAB], False), ([], False)],
)
def test_what_is_shared_with_someone_or_with_their_role_is_theirs_to_read(
    readers: list[str], may_read: bool
) -> None:
    carol, alice = Caller.of(CAROL), owner_of(ALICE)
    assert carol.may_read(alice, readers, {}) == may_read
    by_deployment = {alice: frozenset(map(owner_of, readers))}
    assert carol.may_read(alice, (), by_deployment) == may_read
    assert not carol.may_read(owner_of(LAB), (), by_deployment)


def test_sharing_with_a_role_by_its_session_is_no_back_door() -> None:
    """A reader that is named by a session that anyone with the role could choose is the role."""
    assert principal_of(f"{STS}:assumed-role/lab/alice") == LAB
