"""Cards of signals are read as written, and hold a report of the signal as it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.processors.basis import basis_of
from earmark.processors.conformance import of_card
from earmark.processors.loader import load_specs
from earmark.processors.signal_card import Access, read_signal_card, signal_card
from earmark.processors.threshold import shipped_thresholds

CARD = """
summary = "What it says."
owner = "the team of cards"
access = "open"
freshness_s = 30
intended_use = "Tests."
limits = "It is not real."
"""
MEASURED = """
[[evaluation]]
signal = "text.made"
data = "lines"
n = 40
models = ["tiny 1"]
config = "0123456789abcdef"
limits = "Short lines only."
[evaluation.metrics]
accuracy = { value = 0.9, low = 0.8, high = 0.95 }
"""
NAMES = list(load_specs())


def test_a_card_is_read_as_it_is_written():
    text = CARD + 'deprecated_on = 2027-01-31\nreplaced_by = "text.better"\n' + MEASURED
    card = read_signal_card(text, signal="text.made", where="x")
    assert (card.owner, card.access, card.freshness_s) == ("the team of cards", Access.OPEN, 30)
    assert (str(card.deprecated_on), card.replaced_by) == ("2027-01-31", "text.better")
    assert card.evaluation[0].models == ("tiny 1",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("summary = ", "not a signal's card"),
        (CARD + 'colour = "red"', "colour"),
        (CARD.replace('"open"', '"secret"'), "'secret' is not a valid Access"),
        (CARD.replace("It is not real.", " "), "limits has to say something"),
        (CARD.replace("30", "0"), "freshness_s is a number of seconds above 0"),
        (CARD + 'deprecated_on = "soon"', "deprecated_on is a day"),
        (CARD + 'replaced_by = "text.better"', "goes with deprecated_on"),
        (CARD + 'deprecated_on = 2027-01-31\nreplaced_by = "../x"', "the name of a signal"),
        (CARD + MEASURED.replace("text.made", "text.other"), "which has a card of its own"),
        (CARD + MEASURED.replace("n = 40", "n = 0"), "needs metrics, limits and n"),
    ],
)
def test_what_is_wrong_with_a_card_is_said_with_its_place(text: str, complaint: str):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        read_signal_card(text, signal="text.made", where="here/text.made.toml")
    assert str(caught.value).startswith("here/text.made.toml: ")


def test_a_signal_without_a_card_has_no_owner_and_is_for_nobody_who_is_not_named():
    card = signal_card("text.nobodys")
    assert (card.owner, card.access, card.freshness_s) == ("unknown", Access.RESTRICTED, None)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_signal_has_a_whole_card(name: str):
    assert list(of_card(load_specs()[name])) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_card_has_a_report_of_the_signal_as_it_is(name: str, tmp_path: Path):
    spec, store = load_specs()[name], ModelStore(tmp_path)
    cards = {model: store.card(model) for model in spec.models}
    basis = basis_of(spec, cards, shipped_thresholds(name))
    stale = [it.data for it in signal_card(name).evaluation if not basis.holds_for(it)]
    assert signal_card(name).evaluation, f"earmark eval {name} --data ... --write-card"
    assert stale == [], f"out of date: earmark eval {name} --data ... --write-card"


def test_what_people_say_and_write_is_open_to_nobody():
    held = {"audio.transcript", "text.embedding", "text.pii", "text.safety"}
    assert {name for name in NAMES if signal_card(name).access is not Access.OPEN} == held


def test_only_a_shipped_signal_needs_a_card():
    spec = load_specs()["text.language"]
    assert list(of_card(replace(spec, name="text.gone"))) == ["there is no card text.gone.toml"]

    def make(_: object) -> None: ...

    assert list(of_card(replace(spec, name="text.gone", make=make))) == []
