"""Claims about `text.quality`."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_quality import LABELS, QualityScorer, text_quality
from earmark.processors.threshold import shipped_thresholds

pytestmark = pytest.mark.weights

EVALDATA = Path(__file__).parents[3].parent / "shared/evaldata/text_sentiment_topic_spam_pii"
SENTENCE = "The choir sings on Sunday morning, and the whole village comes to listen. "


@pytest.fixture(scope="module")
def scorer() -> QualityScorer:
    made = text_quality.load(
        store=ModelStore(), device=Device(), thresholds=shipped_thresholds("text.quality")
    )
    assert isinstance(made, QualityScorer)
    return made


def item(*texts: str, found: str | None = None) -> ItemView:
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    fields = [{"field": text.field, "language": found, "probability": 1.0} for text in named]
    return ItemView(
        event=ContentEvent(event_id="e", content_id="c", texts=named),
        results={"text.language": Result.ok(language=found, fields=fields)},
    )


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("THIS IS THE BEST SONG EVER", "shouting"),
        ("la la la la la la la la", "repetitive"),
        ("CLICK HERE to WIN $1000 FREE cash!!! http://x.example", "spam_like"),
        ("asdkjfh wlkejrh zxcvkj qpwoe sdfkjh", "gibberish"),
        ("Now playing {title}", "template"),
        ("CafÃ© del Mar", "mojibake"),
        ("<p>Hello <b>you</b></p>", "markup"),
        ("buy v\u200bi\u200ba\u200bgra", "disguised"),
    ],
)
def test_a_poor_text_is_labelled(scorer: QualityScorer, text: str, label: str) -> None:
    (result,) = scorer.score([item("a lovely song", text)])
    assert label in result.fields["labels"]
    assert result.fields["fields"][0]["scores"].get(label, 0) < result.fields["scores"][label]


def test_a_plain_text_is_measured_and_not_labelled(scorer: QualityScorer) -> None:
    (result,) = scorer.score([item(SENTENCE)])
    assert result.fields["labels"] == []
    assert (result.fields["characters"], result.fields["words"]) == (len(SENTENCE), 13)
    assert result.fields["sentences"] == 1


def test_readability_is_said_where_the_language_is_found_and_the_text_long_enough(
    scorer: QualityScorer,
) -> None:
    more = (
        SENTENCE + "They stay for tea and cake, and talk of the weather until it is dark at last, "
    )
    more += "and then they all walk home."
    results = scorer.score([item(more, found="en"), item(more), item(SENTENCE, found="en")])
    assert [result.fields["lix"] is None for result in results] == [False, True, True]


@pytest.mark.parametrize("text", ["", " \n", "\u3000"])
def test_no_text_is_skipped(scorer: QualityScorer, text: str) -> None:
    (result,) = scorer.score([item(text)])
    assert (result.outcome, result.reason) == (OutcomeKind.SKIPPED, "NO_TEXT")


def test_scripts_without_a_table_have_no_gibberish_score(scorer: QualityScorer) -> None:
    texts = [
        "合唱团星期天早上唱歌，全村的人都来听",
        "일요일 아침에 합창단이 노래합니다",
        "🔥🔥🔥 99",
    ]
    for result in scorer.score([item(text) for text in texts]):
        assert "gibberish" not in result.fields["scores"]


PIECES = st.sampled_from(
    ["hello", "SONG", "🔥", "\ud800", "שלום", "我爱", "{name}", "http://x.y", "\n"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.lists(PIECES).map(" ".join), max_size=3), max_size=4))
def test_batches_do_not_change_outcomes(scorer: QualityScorer, items: list[list[str]]) -> None:
    views = [item(*texts) for texts in items]
    assert scorer.score(views) == [result for view in views for result in scorer.score([view])]


@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the shared evaluation data is not here")
def test_spam_ranks_above_mail_on_the_shared_set(scorer: QualityScorer) -> None:
    lines = (EVALDATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    mails = [row for row in rows if row["kind"] == "spam"]
    results = scorer.score([item(row["text"]) for row in mails])
    scores = [result.fields["scores"].get("spam_like", 0.0) for result in results]
    assert roc_auc_score(np.array([row["labels"]["spam"] for row in mails]), scores) > 0.75


def test_every_label_has_a_threshold() -> None:
    assert {f"{label}_score" for label in LABELS} <= shipped_thresholds(
        "text.quality"
    ).values.keys()
