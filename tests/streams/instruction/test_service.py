"""`text.safety` by a model behind an endpoint, which the host hands to the core."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_safety import text_safety
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.instruction.service import instructed
from earmark.streams.local_scoring import score_events
from earmark.streams.settings import Settings, load_settings
from tests.streams.instruction.conftest import Endpoint, said

CARD = "safety-by-instruction"
LABELS = ModelStore().card(CARD).labels

pytestmark = pytest.mark.weights  # the shipped vocabulary tells short English from other texts


def rated(**scores: float) -> dict[str, Any]:
    return said(dict.fromkeys(LABELS, 0) | scores)


@pytest.fixture
def settings(endpoint: Endpoint, tmp_path: Path) -> Settings:
    endpoint.replies = [rated(spam=0.9)]
    address = {"url": endpoint.url, "key": "sk-hidden", "at_once": 1}
    return load_settings(state=tmp_path, endpoint=address)


def event(text: str) -> ContentEvent:
    return ContentEvent(
        event_id="e",
        content_id="c",
        language="en",
        texts=(Text(field="comment", text=text),),
    )


def answer(settings: Settings, text: str) -> Result:
    store = ModelStore()
    scorer = text_safety.with_model(CARD).load(
        store=store,
        device=Device(),
        thresholds=shipped_thresholds("text.safety"),
        services=instructed(settings, store, [CARD]),
    )
    (result,) = scorer.score([ItemView(event=event(text))])
    return result


def test_a_card_with_an_instruction_serves_in_the_whole_pipeline(settings: Settings) -> None:
    outcomes = score_events(
        [event("Buy now.")], settings, signals=["text.safety"], models={"safety": CARD}
    )
    (signal,) = outcomes
    assert isinstance(signal, Signal)
    assert signal.provenance.model_name == CARD
    assert signal.result.fields["labels"] == ["spam"]
    assert signal.result.fields["scores"].keys() == set(LABELS)


def test_each_sentence_is_rated(settings: Settings, endpoint: Endpoint) -> None:
    endpoint.replies = [rated(), rated(hate=0.8)]
    (span,) = answer(settings, "A song. A slur.").fields["spans"]
    assert (span["label"], span["score"]) == ("hate", 0.8)
    assert [request["messages"][1]["content"] for request in endpoint.requests] == [
        "A song.",
        "A slur.",
    ]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said("no idea"), "ANSWER_INVALID"),
        (said("", finish="length"), "ANSWER_TRUNCATED"),
        (said("", refusal="No."), "ANSWER_REFUSED"),
    ],
)
def test_an_item_that_was_not_rated_whole_is_an_abstention(
    settings: Settings, endpoint: Endpoint, reply: Mapping[str, Any], reason: str
) -> None:
    endpoint.replies = [rated(), reply]
    result = answer(settings, "A song. Another one.")
    assert (result.outcome, result.reason) == (OutcomeKind.ABSTAINED, reason)


def test_without_an_endpoint_the_card_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="set EARMARK_ENDPOINT__URL"):
        instructed(load_settings(), ModelStore(), [CARD])
    with pytest.raises(ConfigurationError, match="none is set here"):
        text_safety.with_model(CARD).load(
            store=ModelStore(), device=Device(), thresholds=shipped_thresholds("text.safety")
        )


def test_there_is_nothing_to_pull_for_it() -> None:
    store = ModelStore()
    assert store.is_present(CARD)
    with pytest.raises(ConfigurationError, match="nothing to pull"):
        store.pull(CARD)


def test_the_instruction_decides_the_identity_of_the_answers(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    (tmp_path / "cards").mkdir()
    identities = set()
    for prompt in ("Rate it.", "Rate it well."):
        (tmp_path / "cards" / "mine.toml").write_text(
            'name = "mine"\nversion = "1"\ntask = "t"\nlicence = "MIT"\nlabels = ["spam"]\n'
            f'[instruction]\nmodel = "m"\nprompt = {json.dumps(prompt)}\n'
        )
        identities.add(ModelStore(store.root).card("mine").identity)
    assert len(identities) == 2


def test_settings_do_not_show_the_key(settings: Settings) -> None:
    assert "sk-hidden" not in repr(settings)
    assert "sk-hidden" not in settings.model_dump_json()
