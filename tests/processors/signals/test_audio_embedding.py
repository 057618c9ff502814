"""What `audio.embedding` says of recordings; see also the tests of `audio.music`, its neighbour."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.models.device import Device
from earmark.processors.codec import RECORD_BYTES
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_embedding import AudioEmbeddingScorer, EmbeddedWindow
from earmark.processors.threshold import shipped_thresholds
from tests.processors.signals.test_audio_music import answers, recording

EVALDATA = Path(__file__).parents[4] / "shared" / "evaldata" / "music"
VIEW = ItemView(event=ContentEvent(event_id="e", content_id="c", audio=Audio(data=b"x")))
CONCLUDING = AudioEmbeddingScorer(None, "musicnn-msd", shipped_thresholds("audio.embedding"))


def windows(count: int, *, last_s: float = 3.008, silent: frozenset[int] = frozenset()):
    random = np.random.default_rng(2)
    return [
        EmbeddedWindow(
            vector_H=random.normal(size=200).astype(np.float32),
            seconds=last_s if number == count - 1 else 3.008,
            weight=0.0 if number in silent else 3.008,
        )
        for number in range(count)
    ]


def unit(vector: bytes) -> NDArray[np.float32]:
    read = np.frombuffer(vector, "<f4")
    assert read.shape == (200,)
    assert np.linalg.norm(read) == pytest.approx(1, abs=1e-6)
    return read


def times(result: Result) -> list[tuple[int, int]]:
    return [(segment["start_ms"], segment["end_ms"]) for segment in result.fields["segments"]]


def test_segments_are_of_four_windows_and_end_with_the_recording() -> None:
    said = CONCLUDING.conclude(VIEW, windows(6, last_s=1.5))
    assert times(said) == [(0, 11_968), (11_968, 16_460)]
    unit(said.fields["vector"])
    for segment in said.fields["segments"]:
        unit(segment["vector"])


def test_a_silent_segment_is_left_out() -> None:
    said = CONCLUDING.conclude(VIEW, windows(12, silent=frozenset(range(4, 8))))
    assert [start for start, _ in times(said)] == [0, 23_936]


def test_half_a_day_fits_a_record() -> None:
    said = CONCLUDING.conclude(VIEW, windows(14_440))
    assert sum(len(each["vector"]) + 20 for each in said.fields["segments"]) < RECORD_BYTES
    assert times(said)[-1][1] == 14_439 * 2_992 + 3_008


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "TOO_SHORT"),
        (windows(1, last_s=0.9), "TOO_SHORT"),
        (windows(2, silent=frozenset({0, 1})), "SILENT"),
    ],
)
def test_it_abstains(given: list[EmbeddedWindow], reason: str) -> None:
    said = CONCLUDING.conclude(VIEW, given)
    assert (said.outcome, said.reason) == (OutcomeKind.ABSTAINED, reason)


@pytest.mark.weights
@pytest.mark.skipif(not EVALDATA.is_dir(), reason="the labelled sets are not here")
def test_halves_of_a_piece_are_nearer_than_pieces() -> None:
    pipeline = Pipeline.load(["audio.embedding"], device=Device())
    names = sorted(file.stem for file in (EVALDATA / "files").iterdir())
    names.remove("gm-drums")  # its second half is silent
    pieces = [recording(name) for name in names]
    halves = [half for piece in pieces for half in np.array_split(piece, 2)]
    said = answers(pipeline, halves)
    vectors = np.stack([unit(each["audio.embedding"].fields["vector"]) for each in said])
    cosine = vectors[0::2] @ vectors[1::2].T
    same, others = np.diag(cosine), cosine[~np.eye(len(cosine), dtype=bool)]
    assert (same[:, None] > others).mean() > 0.85  # 0.895 when this was written
