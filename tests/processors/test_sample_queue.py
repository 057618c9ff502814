"""Samples that wait are those that came, in order, whatever arrays they came in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.sample_queue import SampleQueue

steps = st.lists(
    st.tuples(st.sampled_from(["put", "take", "forget"]), st.integers(0, 40)), max_size=30
)


@given(steps, st.integers(0, 30), st.integers(0, 30))
def test_what_is_taken_and_cut_is_what_was_put(
    steps: list[tuple[str, int]], offset: int, length: int
) -> None:
    queue, samples_T, begin = SampleQueue(), np.zeros(0, np.float32), 0
    for step, count in steps:
        if step == "put":
            fresh_T = np.arange(len(samples_T), len(samples_T) + count, dtype=np.float32)
            samples_T = np.append(samples_T, fresh_T)
            queue.put(fresh_T)
        elif step == "take":
            assert np.array_equal(queue.take(count), samples_T[begin : begin + count])
            begin = min(begin + count, len(samples_T))
        else:
            queue.forget(begin + count - 20)
            begin = max(begin, min(begin + count - 20, len(samples_T)))
        assert (queue.begin, queue.end, len(queue)) == (
            begin,
            len(samples_T),
            len(samples_T) - begin,
        )
        start = begin + offset
        assert np.array_equal(queue.cut(start, start + length), samples_T[start : start + length])


def test_what_is_forgotten_is_let_go_with_its_array() -> None:
    queue = SampleQueue()
    for _ in range(1_000):
        queue.put(np.ones(100, np.float32))
        queue.forget(queue.end - 150)
    assert len(queue) == 150
    assert queue.kept <= 300
