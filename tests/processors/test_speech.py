"""Claims about spans of speech, over made-up probabilities."""

import warnings

from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.clip import Span
from earmark.processors.speech import SpeechRule, SpeechSegmenter
from earmark.processors.threshold import shipped_thresholds

FRAME = 512
RULE = SpeechRule.of(shipped_thresholds("audio.speech"))

# runs of equal probability look more like speech than independent draws
runs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.3, 0.4, 0.6, 1.0]), st.integers(1, 60)), max_size=40
).map(lambda pairs: [probability for probability, length in pairs for _ in range(length)])


def spans_of(
    probabilities: list[float], *, chunk: int = 10**9, rule: SpeechRule = RULE
) -> list[Span]:
    segmenter = SpeechSegmenter(rule, frame_samples=FRAME)
    found: list[Span] = []
    for at in range(0, len(probabilities), chunk):
        found += segmenter.feed(probabilities[at : at + chunk])
    return found + segmenter.finish(len(probabilities) * FRAME)


@given(runs, st.integers(1, 300))
def test_chunks_do_not_change_spans(probabilities: list[float], chunk: int) -> None:
    assert spans_of(probabilities, chunk=chunk) == spans_of(probabilities)


@given(runs)
def test_spans_are_sorted_disjoint_and_inside_the_recording(probabilities: list[float]) -> None:
    spans = spans_of(probabilities)
    borders = [border for span in spans for border in (span.start, span.end)]
    assert borders == sorted(borders)
    assert all(0 <= span.start < span.end <= len(probabilities) * FRAME for span in spans)
    assert all(0 <= span.score <= 1 for span in spans)


@given(runs)
def test_no_span_outgrows_the_longest_clip(probabilities: list[float]) -> None:
    assert all(span.end - span.start <= RULE.max_speech for span in spans_of(probabilities))


@given(runs)
def test_no_later_span_begins_before_the_floor(probabilities: list[float]) -> None:
    segmenter = SpeechSegmenter(RULE, frame_samples=FRAME)
    for probability in probabilities:
        floor = segmenter.floor
        assert all(span.start >= floor for span in segmenter.feed([probability]))
    floor = segmenter.floor
    assert all(span.start >= floor for span in segmenter.finish(len(probabilities) * FRAME))


@given(runs.filter(lambda probabilities: len(probabilities) * FRAME < RULE.max_speech))
def test_short_recordings_get_the_spans_of_the_silero_package(probabilities: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its imports warn of is not ours
        from silero_vad.utils_vad import get_speech_timestamps_from_probs
    theirs = get_speech_timestamps_from_probs(probabilities)
    ours = [{"start": span.start, "end": span.end} for span in spans_of(probabilities)]
    assert ours == theirs


def test_talk_without_a_pause_is_cut_where_it_is_least_like_speech() -> None:
    probabilities = [0.9] * 2_000
    probabilities[800] = 0.6
    first, *rest = spans_of(probabilities)
    assert first.end == 800 * FRAME
    assert rest[0].start == first.end
    assert rest[-1].end == 2_000 * FRAME


def test_silence_has_no_spans() -> None:
    assert spans_of([0.01] * 500) == []
