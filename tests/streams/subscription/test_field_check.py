"""Conditions that no record could meet are refused, and all others pass."""

from pathlib import Path
from typing import Any

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.schema import Schema, fields_of, schemas
from earmark.streams.cli import main
from earmark.streams.settings import Settings
from earmark.streams.subscriber import subscribe
from earmark.streams.subscription import field_check
from earmark.streams.subscription.choice import chosen
from earmark.streams.subscription.latest import latest
from earmark.streams.subscription.name import topics_named
from earmark.streams.testing.bus import Bus


def check(condition: str, *names: str) -> None:
    field_check.check_fields(chosen(condition), topics_named(names))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            "outcme=OK",
            "no field 'outcme' in text.safety; did you mean outcome? there are signal_id",
        ),
        ("xyzzy>0.5", "no field 'xyzzy' in text.safety; there are signal_id, content_id"),
        ("outcome.is=OK", "no field 'outcome.is'"),
        ("provenance.modl_name=x", "did you mean provenance.model_name? there are provenance."),
        ("outcome=FOO", "never 'FOO', it is one of OK, ABSTAINED, SKIPPED, ERROR"),
        ("outcome!=ok", "never 'ok'"),
    ],
)
def test_a_field_or_value_that_there_is_not_is_said_with_those_that_there_are(
    condition: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(condition, "text.safety")
    assert str(caught.value).startswith(f"condition {condition!r}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "condition",
    [
        "outcome=OK",
        "outcome!=null",
        "scores.hate>0.5",
        "scores.hate/threatening>0.5",
        "scores.*>=0.9",
        "labels=hate",
        "spans.score>0.8",
        "by_input.audio.hate>0.5",
        "by_input=audio",
        "provenance.model_name=x",
        "provenance.*=x",
        "*.model_name=x",
        "reason=SOMETHING_NEW",
    ],
)
def test_what_lies_in_records_lists_and_maps_is_asked_as_ever(condition: str) -> None:
    check(condition, "text.safety")


@pytest.mark.parametrize("schema", schemas(), ids=lambda schema: schema.path)
def test_every_field_of_every_schema_can_be_asked_for(schema: Schema) -> None:
    for path, _ in fields_of(schema.definition):
        field_check.check_fields(chosen(f"{path}=null"), [schema.topic])


def test_of_several_topics_one_that_has_the_field_is_enough() -> None:
    check("scores.hate>0.5", "all")
    check("rejection_class=MEDIA_GONE", "text.safety", "rejections")
    with pytest.raises(ConfigurationError, match="'integrated_luf' in any of"):
        check("integrated_luf>1", "all")


def test_where_a_schema_is_not_known_here_nothing_is_refused() -> None:
    check("outcme=OK", "dead-letters")
    check("outcme=OK", "text.safety", "replay.r.signals.of.others.v1")
    with pytest.raises(ConfigurationError, match="outcme"):
        check("outcme=OK", "replay.r.signals.text.safety.v1")


def test_a_name_that_a_schema_gives_a_type_hides_no_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = '[{"name": "part", "type": "earmark.signals.Part"}]'
    text = f'{{"type": "record", "name": "Odd", "fields": {fields}}}'
    odd = Schema(path="odd.v1.avsc", topic="odd.v1", major=1, minor=0, text=text)
    monkeypatch.setattr(field_check, "newest", lambda _: {"odd.v1": odd})
    field_check.check_fields(chosen("part.of.it=x"), ["odd.v1"])
    with pytest.raises(ConfigurationError, match="did you mean part"):
        field_check.check_fields(chosen("prt=x"), ["odd.v1"])


@pytest.mark.parametrize("opened", [subscribe, latest, Bus().subscribe])
def test_whoever_asks_is_told_before_any_broker_is(opened: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"path": tmp_path / "x.sqlite"} if opened is latest else {}
    with pytest.raises(ConfigurationError, match="did you mean outcome"):
        opened("text.safety", where="outcme=OK", settings=Settings(), **options)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["subscribe", "text.safety", "--where", "outcome=FOO"])
    (line,) = capsys.readouterr().err.splitlines()
    assert (caught.value.code, "one of OK, ABSTAINED" in line) == (2, True)
