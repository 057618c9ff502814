"""Claims about the scorer of tags, in a pipeline with a tagger of two labels."""

from collections.abc import Iterator, Sequence

import numpy as np

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.block import Block, End, Samples
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.envelope import envelopes
from earmark.processors.outcome import OutcomeKind, Result, Signal
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView, Part, SignalSpec, Takes
from earmark.processors.tagging import Floats, Tags, TagScorer


class Loudness:
    """A `Tagger`: a window is loud or quiet by its highest sample."""

    labels = ("loud", "quiet")
    window_samples = 100
    hop_samples = 100

    def features(self, windows_BT: Samples, lengths_B: Sequence[int]) -> Sequence[Floats]:
        assert len(windows_BT) == len(lengths_B)
        peaks_B = np.abs(windows_BT).max(axis=1).astype(np.float64)
        return list(np.stack([peaks_B, 1 - peaks_B], axis=1))


def conclude(_: ItemView, tags: Tags) -> Result:
    return Result.ok(mean=tags.mean(), highest=tags.highest(), loud=tags.share("loud", limit=0.5))


def answer(*peaks: float) -> Result:
    spec = SignalSpec(
        name="odd.tags", takes=Takes.WINDOWS, reads=frozenset({Part.AUDIO}), make=Result.ok
    )
    specs, device = {"odd.tags": spec}, Device()
    pipeline = Pipeline(
        specs=specs,
        scorers={"odd.tags": TagScorer(Loudness(), conclude)},
        envelopes=envelopes(specs, ModelStore(), device),
        asked=specs,
        device=device,
    )
    event = ContentEvent(event_id="e", content_id="c", audio=Audio(data=b"x"))

    def blocks() -> Iterator[Block]:
        samples_T = np.repeat(np.array(peaks, np.float32), 100)
        yield Block(event=event, samples_T=samples_T, end=End())

    (outcome,) = pipeline.score(blocks())
    assert isinstance(outcome, Signal)
    return outcome.result


def test_the_signal_concludes_from_the_tags_of_every_window() -> None:
    result = answer(1.0, 0.5, 0.0, 0.25)
    assert result.fields["mean"] == {"loud": 0.4375, "quiet": 0.5625}
    assert result.fields["highest"] == {"loud": 1.0, "quiet": 1.0}
    assert result.fields["loud"] == 0.5


def test_a_recording_without_samples_has_no_tags() -> None:
    result = answer()
    assert (result.outcome, result.reason) == (OutcomeKind.SKIPPED, "NO_AUDIO")
