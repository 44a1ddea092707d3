"""Cron expressions: read, checked, written as EventBridge Scheduler has them, and asked when they fire next.

Both forms are understood: the five fields of Unix, and the six of AWS with or without `cron(...)` around them.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

LAST_YEAR = 2199
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {
    name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)
}
_UNIX_DAYS = {name: number - 1 for name, number in _DAYS.items()}
_NTH = re.compile(r"(\w+)#([1-5])")
_OFTEN = re.compile(r"(\*|[\w-]+)(?:/(\d+))?")

Days = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """A cron expression. `text` is what stands between the parentheses of `cron(...)` on AWS."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: tuple[int, ...]
    falls_on: Days

    def following(self, moment: datetime) -> datetime | None:
        """The first time after `moment` in the time zone of `moment`, or None if there is none.

        A time that the clocks skip in spring is skipped; one that they repeat in autumn is taken once.
        """
        zone = moment.tzinfo or UTC
        begin = moment.replace(tzinfo=None, second=0, microsecond=0) + timedelta(minutes=1)
        for day in self._days(begin.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    local = datetime(day.year, day.month, day.day, hour, minute)  # made aware below
                    if local >= begin and _exists(local, zone):
                        return local.replace(tzinfo=zone)
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in self.years:
            for month in sorted(self.months) if year >= first.year else ():
                for number in range(1, calendar.monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= first and self.falls_on(day):
                        yield day


def _exists(local: datetime, zone: tzinfo) -> bool:
    aware = local.replace(tzinfo=zone)
    return aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def parse(expression: str) -> Cron:
    """Read a cron expression.

    Raises:
        ValueError: it is not one; the message says which field is wrong and how it must be.

    """
    text = expression.strip()
    if text.lower().startswith("cron(") and text.endswith(")"):
        text = text[5:-1]
    fields = text.upper().split()
    if len(fields) == 5:
        fields = _of_unix(fields)
    if len(fields) != 6:
        raise ValueError(
            f"{expression!r} is not a cron expression: it has 5 fields (minute hour day month weekday), "
            "or 6 as AWS has them (with the year)"
        )
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ValueError(
            f"{expression!r}: one of day and weekday, and only one, must be '?' where there are 6 fields"
        )
    return Cron(
        text=" ".join(fields),
        minutes=_numbers(minute, "minute", 0, 59),
        hours=_numbers(hour, "hour", 0, 23),
        months=frozenset(_numbers(month, "month", 1, 12, _MONTHS)),
        years=_numbers(year, "year", 1970, LAST_YEAR),
        falls_on=_weekday_rule(weekday) if day == "?" else _day_rule(day),
    )


def _of_unix(fields: list[str]) -> list[str]:
    """Five fields as six. Weekdays count from 0 (Sunday; 7 too) on Unix, from 1 on AWS."""
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError(
            "a day of the month and a weekday in one expression: Unix takes either, AWS neither; use two triggers"
        )
    if weekday == "*":
        return [minute, hour, day, month, "?", "*"]
    numbers = {number % 7 + 1 for number in _numbers(weekday, "weekday", 0, 7, _UNIX_DAYS)}
    return [minute, hour, "?", month, ",".join(map(str, sorted(numbers))), "*"]


def _numbers(
    text: str, field: str, first: int, last: int, names: dict[str, int] | None = None
) -> tuple[int, ...]:
    """The numbers that a field of lists, ranges and steps stands for, in order."""
    found: set[int] = set()
    for part in text.split(","):
        match = _OFTEN.fullmatch(part)
        if match is None:
            raise _wrong(text, field, first, last)
        whole, step = match[1], int(match[2] or 1)
        low, _, high = whole.partition("-")
        begin = first if whole == "*" else _number(low, names)
        end = last if whole == "*" or (match[2] and not high) else _number(high or low, names)
        if begin is None or end is None or not first <= begin <= end <= last or step < 1:
            raise _wrong(text, field, first, last)
        found.update(range(begin, end + 1, step))
    return tuple(sorted(found))


def _number(text: str, names: dict[str, int] | None) -> int | None:
    if names and text in names:
        return names[text]
    return int(text) if text.isdecimal() else None


def _wrong(text: str, field: str, first: int, last: int) -> ValueError:
    return ValueError(
        f"the {field} of a cron expression is {text!r}: it must be * or numbers of {first} to {last}, "
        "with , - and / between them"
    )


def _day_rule(text: str) -> Days:
    """Days of the month: numbers, L (the last), LW (the last workday), 15W (the workday nearest to the 15th)."""
    rules: list[Days] = []
    for part in text.split(","):
        if part == "L":
            rules.append(lambda day: day.day == _length(day))
        elif part == "LW":
            rules.append(lambda day: day.day == _workday(day, _length(day)))
        elif part.endswith("W") and part[:-1].isdecimal() and 1 <= int(part[:-1]) <= 31:
            rules.append(_nearest(int(part[:-1])))
        else:
            numbers = frozenset(_numbers(part, "day", 1, 31))
            rules.append(_of_month(numbers))
    return lambda day: any(rule(day) for rule in rules)


def _weekday_rule(text: str) -> Days:
    """Weekdays from 1, Sunday: numbers or names, 6L (the last Friday), 6#2 (the second Friday), L (Saturday)."""
    rules: list[Days] = []
    for part in text.split(","):
        nth = _NTH.fullmatch(part)
        weekday = _number(nth[1] if nth else part[:-1], _DAYS)
        if part == "L":
            rules.append(_on(frozenset({7})))
        elif nth and weekday and weekday <= 7:
            rules.append(_nth_weekday(weekday, int(nth[2])))
        elif part.endswith("L") and weekday and weekday <= 7:
            rules.append(_last_weekday(weekday))
        else:
            rules.append(_on(frozenset(_numbers(part, "weekday", 1, 7, _DAYS))))
    return lambda day: any(rule(day) for rule in rules)


def _of_month(numbers: frozenset[int]) -> Days:
    return lambda day: day.day in numbers


def _on(weekdays: frozenset[int]) -> Days:
    return lambda day: _weekday(day) in weekdays


def _nearest(number: int) -> Days:
    return lambda day: number <= _length(day) and day.day == _workday(day, number)


def _nth_weekday(weekday: int, nth: int) -> Days:
    return lambda day: _weekday(day) == weekday and (day.day - 1) // 7 + 1 == nth


def _last_weekday(weekday: int) -> Days:
    return lambda day: _weekday(day) == weekday and day.day + 7 > _length(day)


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _workday(day: date, number: int) -> int:
    """The workday nearest to a day, without leaving the month."""
    weekday = _weekday(day.replace(day=number))
    if weekday == 7:
        return number - 1 if number > 1 else number + 2
    if weekday == 1:
        return number + 1 if number < _length(day) else number - 2
    return number
