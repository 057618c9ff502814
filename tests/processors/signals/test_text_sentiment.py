"""Claims about `text.sentiment`, and what it says of rated snippets."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.identity import same
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_sentiment import SentimentScorer, text_sentiment
from earmark.processors.threshold import Thresholds, shipped_thresholds
from earmark.streams.evaluation.calibration import calibration_error

pytestmark = pytest.mark.weights

RATED = Path(__file__).parents[4] / "shared/evaldata/text_sentiment_topic_spam_pii/manifest.jsonl"


@cache
def scorer() -> SentimentScorer:
    thresholds = shipped_thresholds("text.sentiment")
    loaded = text_sentiment.load(store=ModelStore(), device=Device(), thresholds=thresholds)
    assert isinstance(loaded, SentimentScorer)
    return loaded


def item(*texts: str, declared: str | None = "en", found: str | None = None) -> ItemView:
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    fields = [{"field": text.field, "language": found, "probability": 0.99} for text in named]
    event = ContentEvent(event_id="e", content_id="c", language=declared, texts=named)
    return ItemView(event=event, results={"text.language": Result.ok(fields=fields)})


def score(view: ItemView) -> Result:
    (result,) = scorer().score([view])
    return result


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Great song, love it!!!", "positive"),
        ("Not good. The drums are awful.", "negative"),
        ("Recorded in May 2019 at a studio outside Leeds.", "neutral"),
    ],
)
def test_words_decide_the_label(text: str, label: str) -> None:
    result = score(item(text))
    assert result.fields["label"] == label
    assert result.fields["confidence"] == result.fields["probabilities"][label]
    assert sum(result.fields["probabilities"].values()) == pytest.approx(1)


def test_what_is_not_sure_enough_is_not_said() -> None:
    shipped = shipped_thresholds("text.sentiment")
    strict = Thresholds(version="own", values={**shipped.values, "min_probability": 0.95})
    loaded = text_sentiment.load(store=ModelStore(), device=Device(), thresholds=strict)
    (result,) = loaded.score([item("It is great. It is the worst.")])
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LOW_CONFIDENCE")
    assert result.fields["polarity"] == pytest.approx(0)
    assert "label" not in result.fields


def test_words_that_the_lexicon_lacks_count() -> None:
    result = score(item("A yawn from beginning to end."))
    assert (result.fields["label"], result.fields["polarity"]) == ("negative", 0)


def test_a_long_text_is_the_mean_of_its_sentences() -> None:
    praise, fact = "A lovely record.", "It has ten songs."
    one, two, both = (score(item(text)) for text in (praise, fact, f"{praise} {fact}"))
    mean = (one.fields["polarity"] + two.fields["polarity"]) / 2
    assert both.fields["polarity"] == pytest.approx(mean)


def test_each_text_is_told_apart() -> None:
    fields = score(item("What a wonderful gift!", "Worst thing I ever heard.")).fields["fields"]
    assert [field["label"] for field in fields] == ["positive", "negative"]


@pytest.mark.parametrize(
    ("declared", "found"), [("de", None), (None, "de"), ("en", "de"), ("de", "en")]
)
def test_only_english_is_read(declared: str | None, found: str | None) -> None:
    result = score(item("Das ist schrecklich", declared=declared, found=found))
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "LANGUAGE_UNSUPPORTED")


def test_a_short_remark_in_english_words_is_read_without_a_declared_language() -> None:
    assert score(item("love it", declared=None)).fields["label"] == "positive"


def test_no_words_are_skipped() -> None:
    assert score(item("🔥 99 !!")).reason == "NO_TEXT"


WORDS = st.sampled_from(["awful", "song.", "lovely!", "not", "🔥", "canción", "\n"])
ITEMS = st.builds(
    lambda texts, declared: item(*texts, declared=declared),
    st.lists(st.lists(WORDS).map(" ".join), max_size=3),
    st.sampled_from([None, "en", "es"]),
)


@settings(deadline=None)  # the first text of all costs more than the others
@given(st.lists(ITEMS, max_size=5))
def test_batches_do_not_change_outcomes(items: list[ItemView]) -> None:
    for together, view in zip(scorer().score(items), items, strict=True):
        alone = score(view)
        assert (together.outcome, together.reason) == (alone.outcome, alone.reason)
        assert same(together.fields, alone.fields, text_sentiment) == []


@pytest.mark.skipif(not RATED.is_file(), reason="the development set is not here")
def test_rated_snippets_are_called_as_people_rated_them() -> None:
    # VADER's authors validated it on data that these overlap; the head has not seen them
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in RATED.read_text("utf-8").split("\n") if line
    ]
    rated = [row for row in rows if row["kind"] == "sentiment"]
    results = scorer().score([item(row["text"]) for row in rated])
    said = [result.fields.get("label") for result in results]
    called = [(s, row) for s, row in zip(said, rated, strict=True) if s in {"negative", "positive"}]
    right = sum(s == row["labels"]["sentiment"] for s, row in called)
    assert len(called) / len(rated) > 0.85
    assert right / len(called) > 0.78


@pytest.mark.skipif(not RATED.is_file(), reason="the development set is not here")
def test_confidence_is_how_often_the_label_is_right() -> None:
    # none of these snippets was trained on, but others of their kinds were
    rated = [json.loads(line) for line in RATED.read_text("utf-8").split("\n") if line]
    rated = [row for row in rated if row["kind"] == "sentiment"]
    results = scorer().score([item(row["text"]) for row in rated])
    pairs = [(r.fields, row["labels"]["sentiment"]) for r, row in zip(results, rated, strict=True)]
    said = [
        (fields["confidence"], fields["label"] == truth)
        for fields, truth in pairs
        if "label" in fields
    ]
    sure_N, right_N = np.array([s for s, _ in said]), np.array([r for _, r in said])
    assert calibration_error(sure_N, right_N) < 0.075  # 0.05 is chance alone
