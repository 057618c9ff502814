"""Claims about `text.safety`: with three known words, and with the shipped classifier."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.profanity import ProfanityClassifier
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_safety import (
    MAX_SPANS,
    Profanity,
    SafetyScorer,
    in_context,
    text_safety,
)
from earmark.processors.threshold import Thresholds, shipped_thresholds

THRESHOLDS = shipped_thresholds("text.safety")

# "filthy" is profane to it, "song" and "lovely" are not
CLASSIFIER = ProfanityClassifier(
    {
        "idf_V": np.ones(3),
        "coefficients_KV": np.array([[6.0, -3.0, -3.0]]),
        "intercept_K": np.array([-1.0]),
        "slope_K": np.array([-1.0]),
        "offset_K": np.array([0.0]),
    },
    ["filthy", "song", "lovely"],
    ["this", "is", "you"],
)
VALUES = {**THRESHOLDS.values, "profanity_probability": 0.7}
SCORER = SafetyScorer(Profanity(CLASSIFIER), CLASSIFIER.coverage, Thresholds(values=VALUES))


def item(
    *texts: str,
    declared: str | None = None,
    found: tuple[str, float] | None = None,
    transcript: Result | None = None,
) -> ItemView:
    """An item with these texts, all found to be in one language."""
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    language, probability = found or (None, None)
    fields = [
        {"field": text.field, "language": language, "probability": probability} for text in named
    ]
    results = {"text.language": Result.ok(language=language, fields=fields)}
    if transcript is not None:
        results["audio.transcript"] = transcript
    event = ContentEvent(event_id="e", content_id="c", language=declared, texts=named)
    return ItemView(event=event, results=results, signal_ids={"audio.transcript": "heard"})


def score(view: ItemView) -> Result:
    (result,) = SCORER.score([view])
    return result


def test_the_worst_sentence_is_the_span() -> None:
    text = "🔥 This is a lovely song. You filthy!\nLovely song."
    result = score(item(text, declared="en"))
    (span,) = result.fields["spans"]
    assert text[span["start"] : span["end"]] == "You filthy!"
    assert span["label"] == "profanity"
    assert result.fields["labels"] == ["profanity"]
    assert result.fields["scores"] == {"profanity": span["score"]}
    assert result.fields["by_input"] == {"text": {"profanity": span["score"]}}


def test_a_clean_text_has_a_score_and_no_label() -> None:
    result = score(item("A lovely song", declared="en-GB"))
    assert result.outcome == OutcomeKind.OK
    assert 0 < result.fields["scores"]["profanity"] < 0.1
    assert (result.fields["labels"], result.fields["spans"]) == ([], [])
    assert result.fields["severity"] is None


@pytest.mark.parametrize(
    ("declared", "found", "is_read"),
    [
        ("en", None, True),
        ("en-US", ("en", 0.6), True),
        ("en", ("es", 0.6), True),
        ("en", ("es", 0.99), False),
        ("es", None, False),
        ("es-MX", ("en", 0.99), False),
        (None, ("en", 0.9), True),
        (None, ("es", 0.6), False),
        (None, None, True),
    ],
)
def test_only_english_is_read(
    declared: str | None, found: tuple[str, float] | None, is_read: bool
) -> None:
    result = score(item("filthy song", declared=declared, found=found))
    assert result.outcome == (OutcomeKind.OK if is_read else OutcomeKind.ABSTAINED)
    assert result.reason == (None if is_read else "LANGUAGE_UNSUPPORTED")


def test_a_short_text_of_unknown_words_in_no_declared_language_is_not_read() -> None:
    assert score(item("canción sucia")).reason == "LANGUAGE_UNSUPPORTED"


def test_other_languages_do_not_keep_english_from_being_read() -> None:
    event = ContentEvent(
        event_id="e",
        content_id="c",
        texts=(
            Text(field="title", text="canción", language="es"),
            Text(field="comment", text="filthy song", language="en"),
        ),
    )
    result = score(ItemView(event=event))
    assert {span["field"] for span in result.fields["spans"]} == {"comment"}


def test_what_is_said_is_scored_as_audio_and_points_to_its_transcript() -> None:
    said = Result.ok(language="en", text="Lovely song. You filthy!")
    result = score(item("a lovely song", declared="en", transcript=said))
    assert result.fields["applied_input_types"] == ["text", "audio"]
    assert result.fields["by_input"]["audio"] == result.fields["scores"]
    assert result.fields["by_input"]["text"]["profanity"] < 0.1
    assert [span["field"] for span in result.fields["spans"]] == ["transcript"]
    assert result.fields["source_signal_id"] == "heard"


def test_without_a_span_in_it_no_transcript_is_named() -> None:
    said = Result.ok(language="en", text="A lovely song.")
    result = score(item(transcript=said))
    assert result.fields["applied_input_types"] == ["audio"]
    assert result.fields["source_signal_id"] is None


def test_audio_without_speech_is_skipped() -> None:
    result = score(item(transcript=Result.skipped("NO_SPEECH")))
    assert (result.outcome, result.reason) == (OutcomeKind.SKIPPED, "NO_TEXT")


def test_a_text_without_letters_is_skipped() -> None:
    assert score(item("🔥 99 !!", declared="en")).reason == "NO_TEXT"


def test_a_transcript_that_abstained_hands_its_reason_on() -> None:
    result = score(item(transcript=Result.abstained("REPETITION")))
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "REPETITION")


def test_a_huge_text_keeps_its_worst_spans_in_order() -> None:
    result = score(item("you filthy. " * 2_000 + "filthy filthy.", declared="en"))
    starts = [span["start"] for span in result.fields["spans"]]
    assert len(starts) == MAX_SPANS
    assert starts == sorted(starts)


WORDS = st.sampled_from(["filthy", "song", "lovely.", "this", "you!", "🔥", "canción", "\n"])
ITEMS = st.builds(
    lambda texts, declared: item(*texts, declared=declared),
    st.lists(st.lists(WORDS).map(" ".join), max_size=3),
    st.sampled_from([None, "en", "es"]),
)


@given(st.lists(ITEMS, max_size=6))
def test_batches_do_not_change_outcomes(items: list[ItemView]) -> None:
    assert SCORER.score(items) == [score(view) for view in items]


@given(ITEMS)
def test_every_span_holds_a_sentence_of_its_text(view: ItemView) -> None:
    texts = {text.field: text.text for text in view.event.texts}
    spans: Any = score(view).fields.get("spans", ())
    for span in spans:
        sentence = texts[span["field"]][span["start"] : span["end"]]
        assert sentence == sentence.strip() != ""
        assert CLASSIFIER.probabilities([sentence])[0] == pytest.approx(span["score"])


def test_a_sentence_is_read_by_itself_and_in_what_stands_around_it() -> None:
    alone, around = [0.9, 0.2], [0.5, 0.2]
    assert in_context(alone, around) == pytest.approx([0.75, 0.2])
    assert in_context(alone, alone) == alone
    assert in_context("ANSWER_REFUSED", around) == "ANSWER_REFUSED"
    assert in_context(alone, "ANSWER_REFUSED") == "ANSWER_REFUSED"


@pytest.mark.weights
def test_the_shipped_classifier_tells_abuse_from_praise() -> None:
    scorer = text_safety.load(store=ModelStore(), device=Device(), thresholds=THRESHOLDS)
    abuse, praise, spanish = scorer.score(
        [item("fuck you"), item("great song!!!"), item("hijo de puta", found=("es", 0.8))]
    )
    assert "profanity" in abuse.fields["labels"]
    assert praise.fields["labels"] == []
    assert spanish.reason == "LANGUAGE_UNSUPPORTED"


@pytest.fixture(scope="module")
def shipped() -> SafetyScorer:
    scorer: SafetyScorer = text_safety.load(
        store=ModelStore(), device=Device(), thresholds=THRESHOLDS
    )
    return scorer


@pytest.mark.weights
def test_only_harms_that_it_knows_have_a_score(shipped: SafetyScorer) -> None:
    (result,) = shipped.score([item("what a lovely song", declared="en")])
    assert result.fields["scores"].keys() == {"profanity", "harassment", "hate", "sexual"}
    assert result.fields["severity"] is None


@pytest.mark.weights
def test_whoever_is_named_is_judged_alike(shipped: SafetyScorer) -> None:
    people = ("gay", "Jewish", "Muslim", "Black", "Mexican", "transgender", "blind", "Christian")
    results = shipped.score(
        [item(f"Two {name} men sang for us, and we danced.", declared="en") for name in people]
    )
    scores = [result.fields["scores"] for result in results]
    assert all(each == scores[0] for each in scores)
    assert all(result.fields["labels"] == [] for result in results)


@pytest.mark.weights
def test_a_long_text_does_not_hide_its_abuse(shipped: SafetyScorer) -> None:
    calm = "The gulls were loud that morning, and the boats came in late. " * 40
    (result,) = shipped.score([item(f"{calm}Fuck you, you stupid bitch. {calm}", declared="en")])
    assert {"profanity", "harassment"} <= set(result.fields["labels"])
    text = f"{calm}Fuck you, you stupid bitch. {calm}"
    spans = [span for span in result.fields["spans"] if span["label"] == "profanity"]
    assert [text[span["start"] : span["end"]] for span in spans] == ["Fuck you, you stupid bitch."]


@pytest.mark.weights
def test_shipped_batches_do_not_change_outcomes(shipped: SafetyScorer) -> None:
    views = [item(text, declared="en") for text in ("you fool", "A song. Another one!", "x", "hm")]
    for view, together in zip(views, shipped.score(views), strict=True):
        (alone,) = shipped.score([view])
        assert alone.fields["scores"] == pytest.approx(together.fields["scores"], abs=1e-5)
