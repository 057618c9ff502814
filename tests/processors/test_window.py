"""Windows cover a recording, whatever the blocks in which it came."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.window import Window, WindowCutter

SIZE = 30


def windows(recording_T: np.ndarray, edges: list[int], *, hop: int) -> list[Window]:
    cutter = WindowCutter(size=SIZE, hop=hop)
    blocks = np.split(recording_T, sorted(edges))
    cut = [window for block in blocks for window in cutter.cut(block)]
    return [*cut, *cutter.flush()]


recordings = st.integers(0, 200).map(lambda n: np.arange(1, n + 1, dtype=np.float32))
edges = st.lists(st.integers(0, 200), max_size=6)
hops = st.integers(1, SIZE)


@given(recordings, edges, hops)
def test_each_window_begins_a_hop_after_the_last_and_the_rest_is_silence(
    recording_T: np.ndarray, edges: list[int], hop: int
) -> None:
    for number, window in enumerate(windows(recording_T, edges, hop=hop)):
        expected = recording_T[number * hop :][:SIZE]
        assert window.length == len(expected)
        assert np.array_equal(window.samples_T[: window.length], expected)
        assert len(window.samples_T) == SIZE
        assert not window.samples_T[window.length :].any()


@given(recordings, edges, hops)
def test_every_sample_is_in_a_window_and_no_window_is_without_a_new_one(
    recording_T: np.ndarray, edges: list[int], hop: int
) -> None:
    covered = 0
    for number, window in enumerate(windows(recording_T, edges, hop=hop)):
        assert number * hop <= covered < number * hop + window.length
        covered = number * hop + window.length
    assert covered == len(recording_T)
