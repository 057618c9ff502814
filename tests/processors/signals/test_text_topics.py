"""Claims about `text.topics` with the shipped list, and what it scores on newsgroup posts."""

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
from earmark.processors.envelope import envelopes
from earmark.processors.loader import load_specs, with_models
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_topics import TOP, TopicScorer, text_topics
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.evaluation.tasks.text_topics import NEWSGROUPS

pytestmark = pytest.mark.weights

POSTS = Path(__file__).parents[4] / "shared/evaldata/text_sentiment_topic_spam_pii/manifest.jsonl"
HOCKEY = "The goalie stopped every shot and our team won the hockey game in the last period"
BREAD = "Knead the dough, let it rise, then bake the bread with salt, butter and olive oil"


@cache
def scorer() -> TopicScorer:
    thresholds = shipped_thresholds("text.topics")
    loaded = text_topics.load(store=ModelStore(), device=Device(), thresholds=thresholds)
    assert isinstance(loaded, TopicScorer)
    return loaded


def item(*texts: str, language: str | None = "en", said: str | None = None) -> ItemView:
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    event = ContentEvent(event_id="e", content_id="c", language=language, texts=named)
    spoken = Result.ok(text=said, language="en") if said else Result.skipped("NO_SPEECH")
    return ItemView(event=event, results={"audio.transcript": spoken})


def score(view: ItemView) -> Result:
    (result,) = scorer().score([view])
    return result


@pytest.mark.parametrize(("text", "topic"), [(HOCKEY, "Sports"), (BREAD, "Food & Drink")])
def test_words_decide_the_topic(text: str, topic: str) -> None:
    result = score(item(text))
    assert result.fields["labels"] == [topic]
    topics: Any = result.fields["topics"]
    assert max(topics, key=topics.get) == topic
    assert len(topics) == TOP


def test_what_is_said_has_a_topic_too() -> None:
    result = score(item(said=HOCKEY))
    assert (result.fields["labels"], result.fields["read"]) == (["Sports"], ["transcript"])


@pytest.mark.parametrize(
    ("view", "outcome", "reason"),
    [
        (item("Hockey tonight"), OutcomeKind.ABSTAINED, "TOO_LITTLE_TEXT"),
        (
            item("It is what it is, and then again it may be something else to some"),
            OutcomeKind.ABSTAINED,
            "LOW_CONFIDENCE",
        ),
        (item("Der Torwart hielt", language="de"), OutcomeKind.ABSTAINED, "LANGUAGE_UNSUPPORTED"),
        (item("🔥 99 !!"), OutcomeKind.SKIPPED, "NO_TEXT"),
    ],
)  # fmt: skip
def test_without_a_clear_topic_none_is_named(view: ItemView, outcome: str, reason: str) -> None:
    result = score(view)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert "labels" not in result.fields


def test_the_list_of_topics_is_the_taxonomy_and_decides_the_identity() -> None:
    specs = load_specs(["text.topics"])
    ours = with_models(specs, {"text.topics": "wordllama-l2-supercat-256"})  # any other card
    one, other = (envelopes(s, ModelStore(), Device())["text.topics"] for s in (specs, ours))
    assert one.config_hash != other.config_hash
    sealed = one.seal(item(HOCKEY).event, Result.ok(), audio_sha256=None)
    assert (sealed.provenance.taxonomy, sealed.provenance.taxonomy_version) == (
        "iab-content",
        "3.1",
    )


WORDS = st.sampled_from([HOCKEY, BREAD, "song", "🔥", "canción"])


@settings(max_examples=30)
@given(st.lists(st.lists(WORDS, max_size=3), max_size=4))
def test_batches_do_not_change_outcomes(texts: list[list[str]]) -> None:
    items = [item(*of_item) for of_item in texts]
    for together, alone in zip(scorer().score(items), map(score, items), strict=True):
        assert together.fields.get("labels") == alone.fields.get("labels")
        a, b = together.fields.get("topics", {}), alone.fields.get("topics", {})
        assert a == pytest.approx(b, abs=text_topics.tolerance)


@pytest.mark.skipif(not POSTS.is_file(), reason="the development set is not here")
def test_newsgroup_posts_get_their_group_s_topic_or_none() -> None:
    rows = [json.loads(line) for line in POSTS.read_text("utf-8").split("\n") if line]
    posts = [row for row in rows if row["kind"] == "topic"]
    meant = [
        next(
            topic for group, topic in NEWSGROUPS.items() if row["labels"]["topic"].startswith(group)
        )
        for row in posts
    ]
    results = scorer().score([item(row["text"]) for row in posts])
    answered = [
        labels == [topic]
        for result, topic in zip(results, meant, strict=True)
        if (labels := result.fields.get("labels"))
    ]
    assert len(answered) / len(posts) > 0.3
    assert np.mean(answered) > 0.75
