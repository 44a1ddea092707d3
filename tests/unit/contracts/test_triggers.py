"""What the documents of triggers let through."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from covalent_contracts import context
from covalent_contracts.triggers import MAX_PICKLE, CronSettings, Settings

SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "time", "time_gap": 0},
        {"kind": "time", "time_gap": -1},
        {"kind": "time", "time_gap": 10**9},
        {"kind": "cron", "expression": "every day"},
        {"kind": "cron", "expression": "0 0 * * *", "timezone": "Mars/Olympus"},
        {"kind": "cron", "expression": "0 0 * * *", "timezone": "../../etc/passwd"},
        {"kind": "bucket", "bucket": "x", "events": ["created"]},
        {"kind": "bucket", "bucket": "data", "events": []},
        {"kind": "bucket", "bucket": "data", "events": ["moved"]},
        {"kind": "bucket", "bucket": "data", "events": ["created"], "batch_size": 0},
        {"kind": "watched", "name": "Mine", "host": "", "pickle": ""},
        {"kind": "watched", "name": "Mine", "host": "here", "pickle": "x" * (MAX_PICKLE + 1)},
        {"kind": "manual", "more": 1},
        {"kind": "other"},
    ],
)
def test_what_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(settings)


def test_cron_is_kept_as_aws_has_it() -> None:
    found = SETTINGS.validate_python({"kind": "cron", "expression": "cron(0 9 ? * MON *)"})
    assert found == CronSettings(expression="0 9 ? * MON *")


def test_events_are_read_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(dispatch_id: str) -> bytes | None:
        asked.append(dispatch_id)
        return b'{"a": 1}' if dispatch_id == "triggered" else None

    monkeypatch.setattr(context, "_reads_event", None)
    assert context.Context("triggered", 1).event is None
    context.read_events_with(read)
    with context.entered(context.Context("triggered", 1)) as here:
        assert asked == []
        assert here.event == {"a": 1}
    assert context.Context("other", 1).event is None
    assert context.current().event is None
    assert asked == ["triggered", "other"]
