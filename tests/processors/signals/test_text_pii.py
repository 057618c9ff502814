"""Claims about `text.pii`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.identity import input_digest
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_pii import MAX_SPANS, PiiScorer, text_pii
from earmark.processors.threshold import shipped_thresholds

SCORER: PiiScorer = text_pii.load(
    store=ModelStore(), device=Device(), thresholds=shipped_thresholds("text.pii")
)
SECRETS = ["jo@example.org", "+44 20 7946 0958", "4111 1111 1111 1111"]
EVALDATA = Path(__file__).parents[3].parent / "shared/evaldata/text_sentiment_topic_spam_pii"
KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
}


def item(
    *texts: str,
    field: str = "comment",
    regions: tuple[str, ...] = (),
    language: str | None = None,
    transcript: Result | None = None,
) -> ItemView:
    named = tuple(Text(field=f"{i}_{field}", text=text) for i, text in enumerate(texts))
    event = ContentEvent(
        event_id="e", content_id="c", texts=named, regions=regions, language=language
    )
    results = {} if transcript is None else {"audio.transcript": transcript}
    return ItemView(event=event, results=results, signal_ids={"audio.transcript": "heard"})


def score(view: ItemView) -> Result:
    (result,) = SCORER.score([view])
    return result


def test_kinds_are_counted_placed_and_redacted() -> None:
    text = f"🔥 write to {SECRETS[0]} or a@b.io, call {SECRETS[1]}"
    result = score(item("nothing here", text))
    assert result.fields["kinds"] == {"email": 2, "phone": 1}
    assert result.fields["labels"] == ["email", "phone"]
    spans: Any = result.fields["spans"]
    assert text[spans[0]["start"] : spans[0]["end"]] == SECRETS[0]
    assert result.fields["redacted"] == [
        {"field": "1_comment", "text": "🔥 write to [EMAIL] or [EMAIL], call [PHONE]"}
    ]
    assert (result.fields["truncated"], result.fields["source_signal_id"]) == (False, None)


def test_a_text_with_nothing_in_it_is_answered_with_nothing() -> None:
    result = score(item("a lovely song"))
    assert result.outcome == OutcomeKind.OK
    assert (result.fields["kinds"], result.fields["redacted"]) == ({}, [])


def test_what_is_said_is_read_and_its_transcript_named() -> None:
    said = Result.ok(language="en", text=f"Call us at {SECRETS[1]}.")
    result = score(item("a song", transcript=said))
    assert [span["field"] for span in result.fields["spans"]] == ["transcript"]
    assert result.fields["source_signal_id"] == "heard"


@pytest.mark.parametrize("text", ["", "🔥🔥", " \n\u200f!"])
def test_a_text_without_letters_and_digits_is_skipped(text: str) -> None:
    assert score(item(text)).reason == "NO_TEXT"


def test_a_transcript_that_abstained_hands_its_reason_on() -> None:
    result = score(item(transcript=Result.abstained("LANGUAGE_UNSUPPORTED")))
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LANGUAGE_UNSUPPORTED")


@pytest.mark.parametrize(
    ("view", "labels"),
    [
        (item("it is 612 345 678"), []),
        (item("it is 612 345 678", regions=("ES",)), ["phone"]),
        (item("it is 612 345 678", language="es"), ["phone"]),
        (item("it is 612 345 678", regions=("US",), language="es"), []),
        (item("it is 612 345 678", regions=("EU", "WORLD", "")), []),
        (item("21 Jump Street"), ["street_address"]),
        (item("21 Jump Street", field="title"), []),
    ],
)
def test_regions_and_fields_decide_what_is_doubtful(view: ItemView, labels: list[str]) -> None:
    assert score(view).fields["labels"] == labels


def test_regions_are_part_of_the_input() -> None:
    events = [item("x", regions=regions).event for regions in ((), ("ES",))]
    assert len({input_digest(text_pii, event, None) for event in events}) == len(events)


def test_a_huge_text_keeps_its_counts_and_says_what_was_left_out() -> None:
    result = score(item("jo@example.org " * 33_000))
    assert result.fields["kinds"] == {"email": 33_000}
    assert len(result.fields["spans"]) == MAX_SPANS
    assert result.fields["truncated"]


def test_a_redacted_text_that_fits_no_record_is_left_out() -> None:
    result = score(item("jo@example.org", "愛" * 200_000 + " jo@example.org"))
    assert [entry["text"] for entry in result.fields["redacted"]] == ["[EMAIL]", None]
    assert result.fields["truncated"]


PIECES = st.sampled_from([*SECRETS, "hello", "🔥", "\n", "\ud800", "שלום", "call"])
ITEMS = st.builds(lambda texts: item(*texts), st.lists(st.lists(PIECES).map(" ".join), max_size=3))


@given(st.lists(ITEMS, max_size=5))
def test_batches_do_not_change_outcomes(items: list[ItemView]) -> None:
    assert SCORER.score(items) == [score(view) for view in items]


@given(ITEMS)
def test_no_value_that_was_found_is_in_the_record(view: ItemView) -> None:
    record = json.dumps(dict(score(view).fields))
    assert not any(secret in record for secret in SECRETS)


@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the shared evaluation data is not here")
def test_pattern_kinds_reach_f1_085_on_the_shared_set() -> None:
    lines = (EVALDATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    hits = missed = false = 0
    for row in (row for row in rows if row["kind"] == "pii"):
        spans: Any = score(item(row["text"])).fields["spans"]
        found = {
            (span["kind"], span["start"], span["end"])
            for span in spans
            if span["kind"] in KINDS.values()
        }
        meant = {
            (KINDS[span["type"]], span["start"], span["end"])
            for span in row["labels"]["spans"]
            if span["type"] in KINDS
        }
        hits += len(found & meant)
        missed += len(meant - found)
        false += len(found - meant)
    assert 2 * hits / (2 * hits + missed + false) >= 0.85
