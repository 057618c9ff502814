"""How good recorded speech sounds: a mean opinion score, noise, bandwidth, traces of coding.

Method: DistillMOS (Stahl and Gamper 2025) on clips of up to 7.68 s of speech, the score of the
recording being their mean by length; level of speech against that of the quietest tenth of it; the
highest frequency in use. Samples are looked at up to 8 kHz, so `full` says that the band is full up
to there and that the file has room for more.

What it cannot do: tell a quiet recording from a noisy one above 24 dB (what says 24 is at least
that), or see what a codec does within the band. The score was
trained on English mostly. That pauses are cut out moves it by 0.12 on average against the package's
own reading of whole files (28 recordings of 1.5 to 20 s).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from earmark.models.distillmos import WINDOW_S, DistillMos, load_distillmos
from earmark.processors.acoustics import highest_hz, snr_db
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.clip import Clip
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import OutcomeKind, Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

INTEGRITY = "audio.integrity"
_LOSSLESS = ("pcm", "flac", "alac", "wavpack", "ape", "tta")  # how names of such codecs begin


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipQuality:
    """What is found in one clip. `speech_s` is its speech; the others are None for too little."""

    start_ms: int
    end_ms: int
    speech_s: float
    mos: float
    snr_db: float | None
    highest_hz: float | None


class SpeechQualityScorer:
    """Judges clips of speech; a `ClipScorer`."""

    longest_s = WINDOW_S

    def __init__(self, network: DistillMos, thresholds: Thresholds) -> None:
        self._network = network
        self._thresholds = thresholds

    def admit(self, event: ContentEvent) -> None:
        """Speech of any language is judged."""

    def score(self, clips: Sequence[Clip]) -> Sequence[ClipQuality]:
        """What is found in each clip."""
        scores = self._network.scores([torch.from_numpy(clip.samples_T) for clip in clips])
        return [_quality(clip, mos) for clip, mos in zip(clips, scores, strict=True)]

    def conclude(self, item: ItemView, scores: Sequence[ClipQuality]) -> Result:
        """The quality of an item's speech, or why it is not said."""
        if not scores:
            return Result.skipped("NO_SPEECH")
        if sum(clip.speech_s for clip in scores) < self._thresholds["min_speech_seconds"]:
            return Result.abstained("TOO_SHORT")
        integrity = item.results.get(INTEGRITY)
        file = integrity.fields if integrity and integrity.outcome == OutcomeKind.OK else {}
        highest = _median([(c.highest_hz, c.speech_s) for c in scores if c.highest_hz is not None])
        return Result.ok(
            mos=_mean([(clip.mos, clip.speech_s) for clip in scores]),
            snr_db=_mean([(c.snr_db, c.speech_s) for c in scores if c.snr_db is not None]),
            highest_hz=highest,
            bandwidth=self._bandwidth(highest, file),
            codec_hints=self._codec_hints(highest, file),
            segments=[
                {"start_ms": c.start_ms, "end_ms": c.end_ms, "mos": c.mos, "snr_db": c.snr_db}
                for c in scores
            ],
        )

    def _bandwidth(self, highest: float | None, file: Mapping[str, object]) -> str | None:
        if highest is None:
            return None
        if highest <= self._thresholds["max_telephone_hz"]:
            return "telephone"
        rate = file.get("sample_rate_hz")
        roomy = isinstance(rate, int) and rate >= self._thresholds["min_full_sample_rate_hz"]
        return "full" if roomy and highest >= self._thresholds["min_full_hz"] else "wideband"

    def _codec_hints(self, highest: float | None, file: Mapping[str, object]) -> list[str]:
        """What in the file and its band speaks of coding; none where the file is not known."""
        hints = []
        rate, bits, channels = (file.get(n) for n in ("sample_rate_hz", "bit_rate_bps", "channels"))
        if isinstance(rate, int) and highest is not None:
            room_hz = min(rate, SAMPLE_RATE_HZ) / 2
            if highest < self._thresholds["min_band_share"] * room_hz:
                hints.append("BAND_LIMITED")
        if isinstance(bits, int) and isinstance(channels, int) and channels > 0:
            lossy = not str(file.get("codec")).startswith(_LOSSLESS)
            if lossy and bits / channels < self._thresholds["min_channel_bit_rate_bps"]:
                hints.append("LOW_BIT_RATE")
        return hints


def _quality(clip: Clip, mos: float) -> ClipQuality:
    first, last = clip.pieces[0], clip.pieces[-1]
    speech = sum(piece.length for piece in clip.pieces)
    return ClipQuality(
        start_ms=round(first.source * 1000 / SAMPLE_RATE_HZ),
        end_ms=round((last.source + last.length) * 1000 / SAMPLE_RATE_HZ),
        speech_s=speech / SAMPLE_RATE_HZ,
        mos=mos,
        snr_db=snr_db(clip.samples_T),
        highest_hz=highest_hz(clip.samples_T),
    )


def _mean(weighted: Sequence[tuple[float, float]]) -> float | None:
    """The mean of values by their weights; None for none."""
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total else None


def _median(weighted: Sequence[tuple[float, float]]) -> float | None:
    """The value that half the weight reaches at most; None for none."""
    if not weighted:
        return None
    values, weights = np.array(sorted(weighted)).T
    return float(values[np.searchsorted(weights.cumsum(), weights.sum() / 2)])


@signal(
    name="audio.speech_quality",
    takes=Takes.CLIPS,
    reads=frozenset({Part.AUDIO}),
    needs=("audio.speech", INTEGRITY),
    models=("distillmos",),
    record_name="AudioSpeechQuality",
    # where speech begins moves by a frame or two between batch shapes, and the score with it
    tolerances={
        "mos": 0.1,
        "snr_db": 1.0,
        "highest_hz": 100,
        "start_ms": 100,
        "end_ms": 100,
    },
)
def audio_speech_quality(loading: Loading) -> SpeechQualityScorer:
    """The scorer with DistillMOS."""
    return SpeechQualityScorer(load_distillmos(loading.path(), loading.device), loading.thresholds)
