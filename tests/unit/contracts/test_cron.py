"""Cron expressions, against what calendars say."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covalent_contracts import cron

NOW = datetime(2026, 11, 22, 15, 50, 30, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("expression", "text", "following"),
    [
        ("*/5 * * * *", "*/5 * * * ? *", "2026-11-22T15:55"),
        ("50 15 * * *", "50 15 * * ? *", "2026-11-23T15:50"),  # this minute has begun
        ("0 9 * * 1-5", "0 9 ? * 2,3,4,5,6 *", "2026-11-23T09:00"),
        ("0 9 * * 7", "0 9 ? * 1 *", "2026-11-29T09:00"),
        ("0 9 * * fri-sat", "0 9 ? * 6,7 *", "2026-11-27T09:00"),
        ("cron(0 12 L * ? *)", "0 12 L * ? *", "2026-11-30T12:00"),
        ("0 12 LW * ? *", "0 12 LW * ? *", "2026-11-30T12:00"),
        ("0 8 15W * ? *", "0 8 15W * ? *", "2026-12-15T08:00"),
        ("0 8 1W 8 ? 2027", "0 8 1W 8 ? 2027", "2027-08-02T08:00"),  # the first is a Sunday
        ("0 8 31W 10 ? 2027", "0 8 31W 10 ? 2027", "2027-10-29T08:00"),  # so is the last
        ("0 8 ? * 6#2 *", "0 8 ? * 6#2 *", "2026-12-11T08:00"),
        ("0 8 ? * FRIL *", "0 8 ? * FRIL *", "2026-11-27T08:00"),
        ("0 8 ? * L *", "0 8 ? * L *", "2026-11-28T08:00"),
        ("0 0 29 2 *", "0 0 29 2 ? *", "2028-02-29T00:00"),
        ("0 0 1 JAN ? 2030-2031", "0 0 1 JAN ? 2030-2031", "2030-01-01T00:00"),
    ],
)
def test_when_it_fires_next(expression: str, text: str, following: str) -> None:
    parsed = cron.parse(expression)
    assert parsed.text == text
    assert parsed.following(NOW) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 1 1 ? 2020", "0 0 31 4,6 ? *"])
def test_what_never_fires(expression: str) -> None:
    assert cron.parse(expression).following(NOW) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "5 fields"),
        ("* * * *", "5 fields"),
        ("61 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "weekday"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("0 0 * * * *", "must be '?'"),
        ("0 0 ? * ? *", "must be '?'"),
        ("0 0 13 * 5", "two triggers"),
        ("0 0 ? * 8#1 *", "weekday"),
        ("0 0 32W * ? *", "day"),
    ],
)
def test_what_is_none(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        cron.parse(expression)


def test_clocks_that_are_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    daily = cron.parse("30 2 * * *")
    spring = daily.following(datetime(2027, 3, 27, 12, tzinfo=berlin))
    assert spring == datetime(2027, 3, 29, 2, 30, tzinfo=berlin)  # on the 28th there is no 2:30
    autumn = daily.following(datetime(2027, 10, 30, 12, tzinfo=berlin))
    assert autumn is not None
    assert autumn == datetime(2027, 10, 31, 2, 30, tzinfo=berlin)
    assert daily.following(autumn) == datetime(2027, 11, 1, 2, 30, tzinfo=berlin)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)),
)
def test_daily_is_within_a_day(minute: int, hour: int, moment: datetime) -> None:
    found = cron.parse(f"{minute} {hour} * * *").following(moment)
    assert found is not None
    assert (found.minute, found.hour) == (minute, hour)
    assert timedelta(0) < found - moment <= timedelta(days=1)
