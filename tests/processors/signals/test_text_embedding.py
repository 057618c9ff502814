"""Claims about `text.embedding`."""

import numpy as np
import pytest

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_embedding import EmbeddingScorer, text_embedding
from earmark.processors.threshold import Thresholds

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def scorer() -> EmbeddingScorer:
    made = text_embedding.load(
        store=ModelStore(), device=Device(), thresholds=Thresholds(version="1")
    )
    assert isinstance(made, EmbeddingScorer)
    return made


def item(**texts: str) -> ItemView:
    named = tuple(Text(field=field, text=text) for field, text in texts.items())
    return ItemView(event=ContentEvent(event_id="e", content_id="c", texts=named))


def test_vectors_are_little_endian_float32_of_norm_1(scorer: EmbeddingScorer) -> None:
    (result,) = scorer.score([item(title="A song of the sea")])
    (entry,) = result.fields["vectors"]
    vector = np.frombuffer(entry["vector"], "<f4")
    assert len(vector) == result.fields["dim"] == 256
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_a_text_with_nothing_to_embed_is_left_out(scorer: EmbeddingScorer) -> None:
    (result,) = scorer.score([item(title=" \n", comment="lovely")])
    assert [entry["field"] for entry in result.fields["vectors"]] == ["comment"]


def test_nothing_to_embed_at_all_abstains(scorer: EmbeddingScorer) -> None:
    (result,) = scorer.score([item(title="", comment=" ")])
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, "TOO_LITTLE_TEXT")


def test_batches_do_not_change_outcomes(scorer: EmbeddingScorer) -> None:
    items = [
        item(a="one", b=""),
        item(),
        item(a="two words", b="three more words"),
        item(b="x" * 9_000),
    ]
    alone = [scorer.score([view])[0] for view in items]
    for together, single in zip(scorer.score(items), alone, strict=True):
        assert together.outcome == single.outcome
        for ours, theirs in zip(
            together.fields.get("vectors", ()), single.fields.get("vectors", ()), strict=True
        ):
            assert ours["field"] == theirs["field"]
            left, right = (np.frombuffer(v["vector"], "<f4") for v in (ours, theirs))
            np.testing.assert_allclose(left, right, atol=1e-6)
