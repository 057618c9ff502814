import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.clip import Clip, Piece, Span, SpeechPacker

LONGEST_S = 2.0
LENGTH = 6 * SAMPLE_RATE_HZ


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=12)))
    return [
        Span(start=start, end=end, score=1.0)
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    ]


def packed(recording: np.ndarray, found: list[Span], block: int) -> list[Clip]:
    """Feed the recording in blocks, giving each span as soon as its last sample has passed."""
    packer = SpeechPacker(longest_s=LONGEST_S, language=None)
    clips: list[Clip] = []
    given_spans = 0
    for start in range(0, LENGTH, block):
        packer.feed(recording[start : start + block])
        final = [span for span in found if span.end <= start + block]
        floor = final[-1].end if final else 0
        clips += packer.cut(final[given_spans:], floor=floor)
        given_spans = len(final)
    return clips + packer.flush()


@given(spans(), st.sampled_from([1_000, 16_000, LENGTH]))
def test_clips_hold_every_sample_of_every_span_once(found: list[Span], block: int) -> None:
    recording = np.arange(1, LENGTH + 1, dtype=np.float32)
    clips = packed(recording, found, block)
    heard = [
        clip.samples_T[piece.at : piece.at + piece.length]
        for clip in clips
        for piece in clip.pieces
    ]
    expected = [recording[span.start : span.end] for span in found]
    assert np.array_equal(
        np.concatenate(heard) if heard else [], np.concatenate(expected) if expected else []
    )
    assert all(clip.seconds <= LONGEST_S for clip in clips)


@given(spans())
def test_block_size_does_not_change_clips(found: list[Span]) -> None:
    recording = np.arange(1, LENGTH + 1, dtype=np.float32)
    one, other = (packed(recording, found, block) for block in (1_777, LENGTH))
    assert [clip.pieces for clip in one] == [clip.pieces for clip in other]


def test_a_second_of_a_clip_maps_back_to_the_recording() -> None:
    pieces = (
        Piece(at=0, source=SAMPLE_RATE_HZ, length=SAMPLE_RATE_HZ),
        Piece(at=SAMPLE_RATE_HZ + 800, source=10 * SAMPLE_RATE_HZ, length=SAMPLE_RATE_HZ),
    )
    clip = Clip(samples_T=np.zeros(2 * SAMPLE_RATE_HZ + 800, np.float32), pieces=pieces)
    assert clip.source_ms(0.5) == 1_500
    assert clip.source_ms(1.02) == 2_000  # in the gap: the end of the piece before it
    assert clip.source_ms(1.55) == 10_500
