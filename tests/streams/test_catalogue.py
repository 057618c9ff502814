"""The catalogue says of every signal what its card, its spec and its schema say."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from earmark.models.card import ModelCard, shipped_cards
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.loader import load_specs
from earmark.streams.catalogue import Entry, Report, catalogue, published_with
from earmark.streams.catalogue_page import catalogue_page
from earmark.streams.catalogue_text import deprecation, report_heading, standing
from earmark.streams.settings import Settings, WorkerSettings

ENTRIES = {entry.signal: entry for entry in catalogue(Settings())}
PII = ENTRIES["text.pii"]


def old(entry: Entry) -> Entry:
    """The entry as it is once something has changed since it was measured."""
    return replace(entry, reports=[replace(each, is_current=False) for each in entry.reports])


def test_every_signal_stands_in_it_with_topic_schema_and_makers():
    assert list(ENTRIES) == sorted(load_specs())
    assert (PII.topic, PII.subject) == ("signals.text.pii.v1", "signals.text.pii.v1-value")
    assert (PII.method, PII.taxonomy) == ("earmark-pii 1", "earmark.pii 1")
    assert [(it.name, it.licence) for it in ENTRIES["audio.speech"].models] == [
        ("silero-vad", "MIT")
    ]


def test_another_model_puts_the_report_out_of_date():
    worker = WorkerSettings(models={"audio.speech": "silero-vad-16k"})
    (speech,) = (it for it in catalogue(Settings(worker=worker)) if it.signal == "audio.speech")
    assert [it.name for it in speech.models] == ["silero-vad-16k"]
    assert standing(speech) == "out of date"
    assert "out of date: by silero-vad" in report_heading(speech.reports[0])


def test_other_thresholds_put_the_report_out_of_date(tmp_path: Path):
    strict = tmp_path / "strict.toml"
    strict.write_text('version = "strict"\n[values]\nmin_score = 0.9\n')
    worker = WorkerSettings(thresholds={"text.pii": strict})
    (pii,) = (it for it in catalogue(Settings(worker=worker)) if it.signal == "text.pii")
    assert (pii.thresholds, standing(pii)) == ("strict", "out of date")


def test_an_unknown_model_is_named_in_one_line():
    worker = WorkerSettings(models={"text.safety": "nix"})
    with pytest.raises(ConfigurationError, match="no model card 'nix'"):
        catalogue(Settings(worker=worker))


def test_the_latest_report_of_the_signal_as_it_is_comes_before_later_ones_of_another():
    newest = replace(PII.reports[-1], is_current=False)
    both = replace(
        PII, reports=(Report(measured=PII.reports[-1].measured, is_current=True), newest)
    )
    assert both.latest == both.reports[0]
    assert old(PII).latest == old(PII).reports[-1]
    assert replace(PII, reports=()).latest is None


def test_a_model_shows_the_reports_of_the_signals_that_it_has_part_in():
    store = ModelStore()
    found = {it.signal for it in published_with(store.card("profanity-check"))}
    assert found >= {"text.safety", "text.sentiment", "text.topics"}
    assert published_with(replace(store.card("vader"), version="0")) == ()


@pytest.mark.parametrize("card", list(shipped_cards()), ids=lambda card: str(card.name))
def test_every_shipped_model_was_measured_or_says_why_not(card: ModelCard):
    assert bool(card.evaluation or published_with(card)) != bool(card.unmeasured)


def test_a_deprecation_says_from_when_and_what_instead():
    gone = replace(PII, deprecated_on=date(2027, 1, 31), replaced_by="text.pii2")
    assert deprecation(gone) == "from 2027-01-31 on, in favour of text.pii2"
    assert gone.as_json()["deprecated_on"] == "2027-01-31"
    assert "Deprecated from 2027-01-31 on" in catalogue_page([gone])


def test_the_page_holds_every_signal_and_fetches_nothing():
    page = catalogue_page(tuple(ENTRIES.values()))
    assert all(f'id="{name}"' in page for name in ENTRIES)
    assert "src=" not in page
    assert 'href="http' not in page
    assert "out of date" in catalogue_page([old(PII)])
