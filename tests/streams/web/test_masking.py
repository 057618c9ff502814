"""What is masked stays as long as it was, and nothing of it can be read."""

from hypothesis import given
from hypothesis import strategies as st

from earmark.streams.web.masking import MASK, masked, spans_in
from tests.streams.web.held import signal

SPANS = st.lists(st.tuples(st.integers(-3, 30), st.integers(-3, 30)), max_size=5)


@given(st.text(max_size=25), SPANS)
def test_places_stay_what_they_are(text: str, spans: list[tuple[int, int]]) -> None:
    shown = masked(text, spans)
    assert len(shown) == len(text)
    for at, (before, after) in enumerate(zip(text, shown, strict=True)):
        inside = any(start <= at < end for start, end in spans)
        assert after == (MASK if inside and not before.isspace() else before)


def test_only_a_signal_that_looked_says_where_there_is_nothing() -> None:
    looked, refused = (signal("text.pii", "a", it, spans=[]) for it in ("OK", "ERROR"))
    assert spans_in(looked.record) == {}
    assert spans_in(refused.record) is None
    assert spans_in(None) is None
