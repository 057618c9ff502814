"""Where in a recording people speak, by the Silero voice activity network.

Singing and rap count as speech. The clips that other signals read are cut along these spans while
the recording passes.

Shapes. B: recordings, T: samples at 16 kHz, F: frames of 32 ms
"""

from collections.abc import Sequence

import torch

from earmark.models.padding import note_padding
from earmark.models.silero import FRAME_SAMPLES, SileroVad, VoiceState, load_silero
from earmark.processors.block import SAMPLE_RATE_HZ, Samples
from earmark.processors.clip import Span
from earmark.processors.outcome import Result
from earmark.processors.signal import Loading, Part, Takes, signal
from earmark.processors.speech import SpeechRule, SpeechSegmenter

CHUNK_SAMPLES = 125 * FRAME_SAMPLES  # 64,000: 4 s


class SpeechStream:
    """One recording on its way through the network; a `SpanStream`."""

    def __init__(self, voice: VoiceState, segmenter: SpeechSegmenter) -> None:
        self.voice = voice
        self.spans: list[Span] = []
        self.samples = 0
        self._segmenter = segmenter
        self._taken = 0

    @property
    def floor(self) -> int:
        """No span still to come begins before this sample."""
        return self._segmenter.floor

    def take_spans(self) -> list[Span]:
        """Spans that became final since the last call, in order, not overlapping."""
        fresh = self.spans[self._taken :]
        self._taken = len(self.spans)
        return fresh

    def advance(self, voice: VoiceState, probabilities: Sequence[float], samples: int) -> None:
        """Take what the network said of the next `samples`."""
        self.voice = voice
        self.samples += samples
        self.spans += self._segmenter.feed(probabilities)

    def close(self) -> None:
        """Make the last span final."""
        self.spans += self._segmenter.finish(self.samples)


class SpeechScorer:
    """Steps recordings through the network, 4 s of each at a time; a `StreamScorer`."""

    chunk_samples = CHUNK_SAMPLES

    def __init__(self, network: SileroVad, rule: SpeechRule) -> None:
        self._network = network
        self._rule = rule

    def start(self) -> SpeechStream:
        """The state of a new recording."""
        segmenter = SpeechSegmenter(self._rule, frame_samples=FRAME_SAMPLES)
        return SpeechStream(self._network.initial_state(), segmenter)

    def step(
        self, streams: Sequence[SpeechStream], chunks_BT: Samples, lengths_B: Sequence[int]
    ) -> None:
        """Move each stream on by its chunk, of which the first `length` samples are real."""
        voices = [stream.voice for stream in streams]
        frames_B = [-(-length // FRAME_SAMPLES) for length in lengths_B]
        note_padding(used=sum(lengths_B), whole=sum(frames_B) * FRAME_SAMPLES)
        probabilities_BF, voices = self._network.step(torch.tensor(chunks_BT), voices, frames_B)
        rows = zip(streams, voices, probabilities_BF.tolist(), frames_B, lengths_B, strict=True)
        for stream, voice, probabilities_F, frames, length in rows:
            stream.advance(voice, probabilities_F[:frames], length)

    def finish(self, stream: SpeechStream, duration_ms: int) -> Result:
        """Close the stream and say where there was speech; none at all is an answer too."""
        stream.close()
        spoken = sum(span.end - span.start for span in stream.spans)
        return Result.ok(
            speech_share=spoken / stream.samples if stream.samples else 0.0,
            speech_ms=_milliseconds(spoken),
            segments=[_segment(span) for span in stream.spans],
        )


@signal(
    name="audio.speech",
    takes=Takes.STREAM,
    reads=frozenset({Part.AUDIO}),
    models=("silero-vad",),
    record_name="AudioSpeech",
    tolerances={"speech_ms": 100, "start_ms": 100, "end_ms": 100},
)
def audio_speech(loading: Loading) -> SpeechScorer:
    """The scorer with Silero's weights."""
    network = load_silero(loading.path(), loading.device)
    return SpeechScorer(network, SpeechRule.of(loading.thresholds))


def _segment(span: Span) -> dict[str, object]:
    return {
        "start_ms": _milliseconds(span.start),
        "end_ms": _milliseconds(span.end),
        "score": span.score,
    }


def _milliseconds(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE_HZ)
