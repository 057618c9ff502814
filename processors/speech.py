"""Spans of speech from probabilities that arrive frame by frame, however they are chunked.

The rules are those of `get_speech_timestamps` in the package silero-vad (MIT): hysteresis between
two thresholds, short silences bridged, short speech dropped, spans padded. Two things differ. Spans
come out as soon as they are final, and speech without a pause is cut at the least speech-like
frame of its last quarter once it reaches `max_speech_ms`, so that memory is bounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.clip import Span
from earmark.processors.threshold import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRule:
    """What counts as a span. Probabilities in [0, 1], times in samples at 16 kHz.

    Speech begins at `enter` and is over once `min_silence` has passed below `leave`. `pad` is at
    most half of `min_silence`, so padded spans never touch.
    """

    enter: float
    leave: float
    min_speech: int
    min_silence: int
    pad: int
    max_speech: int

    @classmethod
    def of(cls, thresholds: Thresholds) -> "SpeechRule":
        """The rule that the thresholds of `audio.speech` state."""
        return cls(
            enter=thresholds["enter_probability"],
            leave=thresholds["leave_probability"],
            min_speech=_samples(thresholds["min_speech_ms"]),
            min_silence=_samples(thresholds["min_silence_ms"]),
            pad=_samples(thresholds["pad_ms"]),
            max_speech=_samples(thresholds["max_speech_ms"]),
        )


class SpeechSegmenter:
    """Turns the frame probabilities of one recording into spans; each frame has `frame_samples`.

    Any division of the probabilities among calls of `feed` gives the same spans.
    """

    def __init__(self, rule: SpeechRule, *, frame_samples: int) -> None:
        self._rule = rule
        self._frame = frame_samples
        self._longest = (rule.max_speech - 2 * rule.pad) // frame_samples
        self._now = 0  # frames heard
        self._first: int | None = None  # frame at which the open span began
        self._scores: list[float] = []  # its frames from there on
        self._silent_from: int | None = None  # where it may turn out to have ended
        self._is_continued = False  # it began at a cut, not at a silence
        self._past_end = 0  # sample at which the last span ended

    @property
    def floor(self) -> int:
        """No span still to come begins before this sample."""
        return self._begin(self._now if self._first is None else self._first)

    def feed(self, probabilities: Iterable[float]) -> list[Span]:
        """The spans that the next frames made final."""
        found = (self._hear(probability) for probability in probabilities)
        return [span for span in found if span is not None]

    def finish(self, total_samples: int) -> list[Span]:
        """The span that the end of the recording, after `total_samples`, made final, if any."""
        if self._first is None:
            return []
        span = self._close(total_samples, limit=total_samples)
        return [] if span is None else [span]

    def _hear(self, probability: float) -> Span | None:
        frame, self._now = self._now, self._now + 1
        if self._first is None:
            if probability >= self._rule.enter:
                self._first, self._scores = frame, [probability]
            return None
        self._scores.append(probability)
        if probability >= self._rule.enter:
            self._silent_from = None
        elif probability < self._rule.leave:
            if self._silent_from is None:
                self._silent_from = frame
            if (frame - self._silent_from) * self._frame >= self._rule.min_silence:
                return self._close(self._silent_from * self._frame)
        return self._cut() if len(self._scores) >= self._longest else None

    def _close(self, end: int, limit: int | None = None) -> Span | None:
        """The open span, ending at sample `end` before padding, if it is long enough."""
        first = self._first or 0
        padded = end + self._rule.pad
        span = self._span(end, padded if limit is None else min(padded, limit))
        speech = end - first * self._frame
        keep = speech > self._rule.min_speech or (self._is_continued and speech > 0)
        self._first, self._scores, self._silent_from = None, [], None
        self._is_continued = False
        return self._emit(span) if keep else None

    def _cut(self) -> Span:
        """The open span up to its least speech-like late frame; the rest stays open."""
        first = self._first or 0
        late = range(len(self._scores) * 3 // 4, len(self._scores))
        at = min(late, key=self._scores.__getitem__)
        end = (first + at) * self._frame
        span = self._span(end, end)
        self._first, self._scores, self._is_continued = first + at, self._scores[at:], True
        if self._silent_from is not None:
            self._silent_from = max(self._silent_from, self._first)
        return self._emit(span)

    def _span(self, end: int, padded_end: int) -> Span:
        first = self._first or 0
        inside = self._scores[: max(1, -(-end // self._frame) - first)]
        score = sum(inside) / len(inside)
        return Span(start=self._begin(first), end=padded_end, score=score)

    def _emit(self, span: Span) -> Span:
        self._past_end = span.end
        return span

    def _begin(self, frame: int) -> int:
        return max(frame * self._frame - self._rule.pad, self._past_end)


def _samples(milliseconds: float) -> int:
    return round(milliseconds * SAMPLE_RATE_HZ / 1000)
