import tomllib

import pytest

from earmark.models.card import read_card
from earmark.models.error import ConfigurationError
from earmark.processors import signal_card
from earmark.processors.basis import Basis
from earmark.streams.evaluation.card_section import (
    section,
    with_section,
    write_to_model,
    write_to_signal,
)
from earmark.streams.evaluation.evaluation import Cost, Evaluation, Metric

CARD = """
name = "tiny"  # a comment that stays
version = "1"
task = "nothing"
licence = "MIT"

[[files]]
name = "model.safetensors"
sources = ["https://example.org/model"]
"""
BASIS = Basis(models=("tiny 1", "small 2"), thresholds="2026-11", config="0123456789abcdef")


def evaluation(value: float, data: str = "lines") -> Evaluation:
    return Evaluation(
        signal="text.made",
        data=(data,),
        model="tiny",
        version="1",
        thresholds="",
        n=12,
        unused=0,
        rejected={},
        metrics={
            "accuracy": Metric(value=value, low=0.5, high=1.0),
            "short.accuracy": Metric(value=0.25),
            "nothing": Metric(value=float("nan")),
        },
        tasks=(),
        cost=Cost(
            seconds_per_item=1,
            seconds_per_audio_second=None,
            load_seconds=1,
            device="cpu",
            precision="fp32",
        ),
    )


def test_a_section_is_read_back_from_the_card_it_was_written_to():
    text = with_section(CARD, section(evaluation(0.91234567), limits='Not "all".'))
    (measured,) = read_card(text, where="tiny.toml").evaluation
    assert (measured.signal, measured.data, measured.n) == ("text.made", "lines", 12)
    assert measured.limits == 'Not "all".'
    assert measured.metrics["accuracy"].value == 0.9123
    assert measured.metrics["short.accuracy"].low is None
    assert "nothing" not in measured.metrics
    assert "a comment that stays" in text


def test_a_later_figure_replaces_the_earlier_on_the_same_data_and_no_other():
    text = with_section(CARD, section(evaluation(0.5)))
    text = with_section(text, section(evaluation(0.6, data="other")))
    text = with_section(text, section(evaluation(0.7)))
    found = {it.data: it.metrics["accuracy"].value for it in read_card(text, where="x").evaluation}
    assert found == {"lines": 0.7, "other": 0.6}
    assert with_section(text, section(evaluation(0.7))) == text
    assert len(tomllib.loads(text)["files"]) == 1


def test_a_model_s_card_is_written_to_and_keeps_what_was_said_of_its_limits(tmp_path):
    (tmp_path / "tiny.toml").write_text(CARD)
    write_to_model("tiny", evaluation(0.5), BASIS, own=tmp_path, limits="Fails on rhymes.")
    path = write_to_model("tiny", evaluation(0.6), BASIS, own=tmp_path)
    (measured,) = read_card(path.read_text(), where="tiny.toml").evaluation
    assert (measured.limits, measured.metrics["accuracy"].value) == ("Fails on rhymes.", 0.6)
    assert (measured.models, measured.config) == (BASIS.models, BASIS.config)
    with pytest.raises(ConfigurationError, match="another package's"):
        write_to_model("unheard-of", evaluation(0.6), BASIS, own=tmp_path)


def test_a_signal_s_card_is_written_to_and_one_without_is_told_where_it_belongs(
    tmp_path, monkeypatch
):
    shipped = signal_card.shipped_cards() / "audio.loudness.toml"
    (tmp_path / "text.made.toml").write_text(shipped.read_text().partition("\n[[")[0])
    monkeypatch.setattr(signal_card, "shipped_cards", lambda: tmp_path)
    signal_card.card_file.cache_clear()
    path = write_to_signal(evaluation(0.5), BASIS)
    text = path.read_text()
    (measured,) = signal_card.read_signal_card(text, signal="text.made", where="x").evaluation
    assert (measured.models, measured.thresholds) == (("tiny 1", "small 2"), "2026-11")
    path.unlink()
    signal_card.card_file.cache_clear()
    with pytest.raises(ConfigurationError, match=r"write signal_cards/text\.made\.toml"):
        write_to_signal(evaluation(0.5), BASIS)
    signal_card.card_file.cache_clear()
