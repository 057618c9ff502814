import pytest

from earmark.processors.error import ConfigurationError
from earmark.processors.loader import load_specs


def test_needs_come_before_needers() -> None:
    order = list(load_specs(["text.safety"]))
    assert order[-1] == "text.safety"
    assert order.index("audio.speech") < order.index("audio.transcript")
    assert {"text.language", "audio.transcript"} < set(order)


def test_only_what_is_needed_comes_along() -> None:
    assert list(load_specs(["text.embedding"])) == ["text.embedding"]


def test_an_unknown_signal_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"audio\.loudnes.*audio\.loudness"):
        load_specs(["audio.loudnes"])
