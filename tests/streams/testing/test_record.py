"""Records of the kit are such as workers write, and such as readers read."""

import re
from pathlib import Path

import pytest

import earmark
from earmark.models.error import ConfigurationError
from earmark.processors.codec import result_of, signal_record
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.identity import signal_id
from earmark.processors.outcome import OutcomeKind, Provenance, Signal
from earmark.streams.testing.record import DELETED, OUTCOMES, record, records, signal_names

PROCESSORS = Path(earmark.__file__).resolve().parent / "processors"
SOURCES = "\n".join(path.read_text() for path in PROCESSORS.rglob("*.py"))
GENERIC = {"NOT_APPLICABLE"}  # of a signal that never says so today


@pytest.mark.parametrize("name", signal_names())
def test_every_outcome_of_every_signal_has_a_record(name: str) -> None:
    for outcome in (*OUTCOMES, DELETED):
        for sample in records(name, outcome):
            assert sample.outcome == outcome
            assert sample.topic.startswith(f"signals.{name}.v")
            assert sample.key


@pytest.mark.parametrize("name", signal_names())
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_record_is_what_the_worker_writes_for_that_result(name: str, outcome: str) -> None:
    for sample in records(name, outcome):
        given = dict(sample.record or {})
        event = ContentEvent(
            language=given.get("declared_language", given["language"]),
            **{
                field: given[field]
                for field in (
                    *("event_id", "content_id", "revision", "event_time"),
                    *("content_type", "tenant", "source"),
                )
            },
        )
        signal = Signal(
            name=name,
            major=1,
            signal_id=given["signal_id"],
            event=event,
            result=result_of(sample.topic, given),
            provenance=Provenance(**given["provenance"]),
        )
        assert signal_record(signal) == given


def test_reasons_are_those_that_the_signals_give() -> None:
    for name in signal_names():
        for sample in records(name):
            reason = (sample.record or {}).get("reason")
            if reason is not None and reason not in GENERIC:
                assert f'"{reason}"' in SOURCES, f"{name} never says {reason}"


@pytest.mark.parametrize("name", signal_names())
@pytest.mark.parametrize("outcome", [OutcomeKind.ABSTAINED, OutcomeKind.SKIPPED])
def test_no_reason_in_a_signals_module_is_left_out(name: str, outcome: str) -> None:
    module = PROCESSORS / "signals" / f"{name.replace('.', '_')}.py"
    said = set(re.findall(rf'Result\.{outcome.lower()}\(\s*"(\w+)"', module.read_text()))
    assert said <= {(sample.record or {}).get("reason") for sample in records(name, outcome)}


def test_an_answer_is_named_as_the_worker_names_it() -> None:
    made = record("text.safety", content_id="ep-1")
    parts = made["provenance"]
    named = signal_id("ep-1", "text.safety", 1, parts["input_digest"], parts["config_hash"])
    assert made["signal_id"] == named


def test_what_has_no_outcome_has_its_golden_record() -> None:
    (sample,) = records("rejections", content_id="ep-1")
    assert (sample.topic, sample.key, sample.outcome) == ("rejections.v1", "ep-1", None)


@pytest.mark.parametrize(
    ("name", "outcome", "told"),
    [
        ("text.safty", None, "text.safety"),
        ("text.safety", "FINE", "ABSTAINED"),
        ("rejections", "ERROR", "no outcomes"),
    ],
)
def test_what_there_is_not_is_refused(name: str, outcome: str | None, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        records(name, outcome)


def test_a_change_that_no_topic_would_take_is_refused() -> None:
    with pytest.raises(ContentError, match="not a record"):
        record("text.safety", revision="third")
    with pytest.raises(ConfigurationError, match="no field mood"):
        record("text.safety", mood="calm")
