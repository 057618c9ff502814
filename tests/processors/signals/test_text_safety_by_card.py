"""Claims about `text.safety` by a checkpoint in place of the shipped classifier, and without."""

import json
from pathlib import Path

import pytest

from earmark.models.card import shipped_cards
from earmark.models.device import Device
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.envelope import envelopes
from earmark.processors.loader import load_specs, with_models
from earmark.processors.outcome import Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_safety import SafetyScorer, text_safety
from earmark.processors.taxonomy.harm import harms
from earmark.processors.threshold import Thresholds, shipped_thresholds

# what release 2026-11c of the thresholds and the shipped classifier answered to these texts
SHIPPED = Path(__file__).with_name("text_safety_shipped.json")
TABLES = (
    '[checkpoint]\nkind = "sequence-classification"\nactivation = "sigmoid"',
    '[label_map]\nobscene = "profanity"\ninsult = "harassment"\nthreat = "violence"\nmale = ""',
)

pytestmark = pytest.mark.weights  # the shipped vocabulary tells short English from other texts


@pytest.fixture(scope="module")
def roberta(tiny, tmp_path_factory):
    return tiny(
        tmp_path_factory.mktemp("roberta"),
        "Roberta",
        "ForSequenceClassification",
        vocab_size=400,
        pad_token_id=1,
        max_position_embeddings=34,
        id2label=dict(enumerate(["obscene", "insult", "threat", "male"])),
    )


@pytest.fixture
def both(store, add_checkpoint, roberta):
    """A store with a tiny checkpoint beside the shipped model."""

    def with_card(*tables: str, languages: tuple[str, ...] = ("en",)) -> ModelStore:
        add_checkpoint("tiny", roberta, *(tables or TABLES), languages=languages)
        (store.root / "profanity-check").symlink_to(ModelStore().root / "profanity-check")
        return ModelStore(store.root, offline=True)

    return with_card


def scorer(store: ModelStore, thresholds: Thresholds | None = None) -> SafetyScorer:
    return text_safety.with_model("tiny").load(
        store=store,
        device=Device(),
        thresholds=thresholds or shipped_thresholds("text.safety"),
    )


def item(text: str, language: str | None = "en") -> ItemView:
    texts = (Text(field="comment", text=text),)
    return ItemView(
        event=ContentEvent(event_id="e", content_id="c", language=language, texts=texts)
    )


def rounded(fields: object) -> object:
    return json.loads(json.dumps(fields), parse_float=lambda digits: round(float(digits), 6))


def test_the_shipped_answers_are_what_they_were() -> None:
    rows = json.loads(SHIPPED.read_text("utf-8"))
    events = [
        ContentEvent(
            event_id=f"e{i}",
            content_id=f"c{i}",
            language=row["language"],
            texts=(Text(field="comment", text=row["text"]),),
        )
        for i, row in enumerate(rows)
    ]
    outcomes = Pipeline.load(["text.safety"], device=Device()).run(events)
    results = {each.event.content_id: each.result for each in outcomes if isinstance(each, Signal)}
    for i, row in enumerate(rows):
        result = results[f"c{i}"]
        assert (result.outcome, result.reason) == (row["outcome"], row["reason"])
        assert rounded(dict(result.fields)) == rounded(row["fields"])


def test_a_card_brings_its_own_labels(both) -> None:
    (result,) = scorer(both()).score([item("You filthy pig! A lovely song.")])
    assert result.fields["scores"].keys() == {"harassment", "profanity", "violence"}
    assert result.fields["by_input"] == {"text": result.fields["scores"]}


def test_a_label_without_a_threshold_has_the_default(both) -> None:
    store = both()
    values = {"contradiction_probability": 0.9, "min_coverage": 0.6, "profanity_probability": 1.1}
    lenient = scorer(store, Thresholds(values={**values, "default_probability": 0.0}))
    strict = scorer(store, Thresholds(values={**values, "default_probability": 1.1}))
    view = item("You filthy pig!")
    assert lenient.score([view])[0].fields["labels"] == ["harassment", "violence"]
    assert strict.score([view])[0].fields["labels"] == []
    assert {span["label"] for span in lenient.score([view])[0].fields["spans"]} == {
        "harassment",
        "violence",
    }


@pytest.mark.parametrize(
    ("languages", "declared", "is_read"),
    [
        (("en",), "de", False),
        (("en", "de"), "de-AT", True),
        (("en", "de"), "fr", False),
        ((), "fr", True),
        (("de",), None, False),
    ],
)
def test_the_languages_of_the_card_are_read(both, languages, declared, is_read) -> None:
    (result,) = scorer(both(languages=languages)).score([item("so ein schönes Lied", declared)])
    assert result.reason == (None if is_read else "LANGUAGE_UNSUPPORTED")


def test_transcripts_are_read_in_the_languages_of_the_card(both) -> None:
    said = Result.ok(language="de", text="so ein schönes Lied")
    view = ItemView(
        event=ContentEvent(event_id="e", content_id="c"), results={"audio.transcript": said}
    )
    (german,) = scorer(both(languages=("de",))).score([view])
    assert german.fields["applied_input_types"] == ["audio"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_batches_do_not_change_outcomes(both, precision) -> None:
    spec = text_safety.with_model("tiny")
    made = spec.load(
        store=both(),
        device=Device(precision=precision),
        thresholds=shipped_thresholds("text.safety"),
    )
    items = [item("You filthy pig!"), item("song " * 200), item("Adiós", "es"), item("early light")]
    for together, view in zip(made.score(items), items, strict=True):
        (alone,) = made.score([view])
        assert together.outcome == alone.outcome
        assert together.fields.get("scores", {}) == pytest.approx(
            alone.fields.get("scores", {}), abs=spec.tolerance if precision == "bf16" else 1e-5
        )


def test_a_label_that_is_no_harm_is_refused(both) -> None:
    table = '[label_map]\nobscene = "rude"\ninsult = ""\nthreat = ""\nmale = ""'
    with pytest.raises(ConfigurationError, match="'rude' is no harm"):
        scorer(both(TABLES[0], table))


def test_the_map_decides_the_identity_of_the_answers(both) -> None:
    store = both()
    specs = with_models(load_specs(["text.safety"]), {"text.safety": "tiny"})
    before = envelopes(specs, store, Device())["text.safety"].config_hash
    card = store.root / "cards" / "tiny.toml"
    card.write_text(card.read_text().replace('threat = "violence"', 'threat = ""'))
    after = envelopes(specs, ModelStore(store.root), Device())["text.safety"].config_hash
    assert before != after


def test_the_shipped_cards_map_to_harms_alone() -> None:
    for card in shipped_cards():
        if card.checkpoint and card.checkpoint.kind == "sequence-classification":
            assert set(filter(None, card.label_map.values())) == set(card.labels)
            assert set(card.labels) <= harms().keys()
