"""Claims about `text.language`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import Verdict
from earmark.processors.signal import ItemView
from earmark.processors.signals.text_language import LanguageScorer, text_language
from earmark.processors.threshold import shipped_thresholds

pytestmark = pytest.mark.weights

SPANISH = "Toda persona tiene derecho a la propiedad, individual y colectivamente."
ENGLISH = "Everyone has the right to own property alone as well as in association with others."
TEXTS = [SPANISH, ENGLISH, "", "🔥🔥", "Hola", "愛してるよ、ずっと", "WTF 2:34", ENGLISH.upper()]


@pytest.fixture(scope="module")
def scorer() -> LanguageScorer:
    made = text_language.load(
        store=ModelStore(), device=Device(), thresholds=shipped_thresholds("text.language")
    )
    assert isinstance(made, LanguageScorer)
    return made


def item(*texts: str) -> ItemView:
    named = tuple(Text(field=f"text_{i}", text=text) for i, text in enumerate(texts))
    return ItemView(event=ContentEvent(event_id="e", content_id="c", texts=named))


def test_each_text_and_the_item_get_a_language(scorer: LanguageScorer) -> None:
    (result,) = scorer.score([item(ENGLISH, SPANISH * 3)])
    assert result.fields["language"] == "es"
    assert [entry["language"] for entry in result.fields["fields"]] == ["en", "es"]
    assert all(entry["probability"] > 0.9 for entry in result.fields["fields"])


@pytest.mark.parametrize(
    "text", ["", "Hello", "🔥 🔥 🔥", "https://example.org/una/palabra/mas", "@una_amiga 99"]
)
def test_too_little_text_abstains(scorer: LanguageScorer, text: str) -> None:
    (result,) = scorer.score([item(text)])
    assert (result.outcome, result.reason) == (Verdict.ABSTAINED, "TOO_LITTLE_TEXT")
    assert result.fields["fields"] == [{"field": "text_0", "language": None, "probability": None}]


def test_a_name_that_could_be_any_language_abstains(scorer: LanguageScorer) -> None:
    (result,) = scorer.score([item("Bohemian Rhapsody")])
    assert (result.outcome, result.reason) == (Verdict.ABSTAINED, "LOW_CONFIDENCE")


def test_links_handles_and_emojis_do_not_change_the_language(scorer: LanguageScorer) -> None:
    noisy = f"🔥 @some_english_name {SPANISH} https://example.org/the/english/word #song 🔥"
    (result,) = scorer.score([item(noisy)])
    assert result.fields["language"] == "es"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.lists(st.sampled_from(TEXTS), max_size=3), min_size=1, max_size=6))
def test_batches_do_not_change_outcomes(scorer: LanguageScorer, items: list[list[str]]) -> None:
    views = [item(*texts) for texts in items]
    for result, view in zip(scorer.score(views), views, strict=True):
        (alone,) = scorer.score([view])
        assert (result.outcome, result.reason) == (alone.outcome, alone.reason)
        assert result.fields.get("language") == alone.fields.get("language")
        assert result.fields.get("probability") == pytest.approx(alone.fields.get("probability"))
