"""What a recording is made of along its time line: speech, music, noise, silence.

A small network (card `scene`) hears windows of two seconds, one a second; a window that stands
alone against its neighbours is outvoted (median of three), and each second gets the mean of the two
windows that cover it. Speech and music are
found independently: speech over music is both. A second is noise where it is neither, and silent by
its level alone, whatever the network hears in it.

Not told: whether there is singing in music (`vocal_music_share` is null), and what the noise is.
Rap and singing without accompaniment can be taken for speech.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean, median

import torch

from earmark.models.scene_net import SceneNet, SceneTrunk, WindowFeatures, load_scene_net
from earmark.processors.block import SAMPLE_RATE_HZ
from earmark.processors.outcome import Result
from earmark.processors.signal import ItemView, Loading, Part, Takes, signal
from earmark.processors.threshold import Thresholds

SPEECH, MUSIC, BOTH, NOISE, SILENCE, UNSURE = (
    "speech",
    "music",
    "speech_over_music",
    "noise",
    "silence",
    "unsure",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowScene:
    """What was heard in one window: probabilities of its classes, levels of its seconds in dBFS."""

    speech: float
    music: float
    noise: float
    levels: tuple[float, ...]
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the time line; the last one of a recording may be shorter."""

    start: int
    end: int
    speech: float
    music: float
    noise: float
    level: float
    label: str = UNSURE

    @property
    def samples(self) -> int:
        """Its length."""
        return self.end - self.start


class SceneScorer:
    """Hears windows, those of all events together; a `WindowScorer`."""

    def __init__(self, network: SceneNet, trunk: SceneTrunk, thresholds: Thresholds) -> None:
        self.trunk = trunk
        self._network = network
        self._thresholds = thresholds

    def score(self, features: Sequence[WindowFeatures]) -> Sequence[WindowScene]:
        """What is heard in each window."""
        if not features:
            return []
        mel_BMF = torch.stack([window.mel_MF for window in features])
        rows = zip(features, self._network.probabilities(mel_BMF).tolist(), strict=True)
        return [
            WindowScene(
                speech=speech, music=music, noise=noise, levels=window.levels, length=window.length
            )
            for window, (speech, music, noise) in rows
        ]

    def conclude(self, item: ItemView, scores: Sequence[WindowScene]) -> Result:
        """The time line of an item, or why there is none."""
        windows = list(self._smoothed(scores))
        seconds = [
            replace(second, label=self._label(second))
            for second in _seconds(windows, hop=self.trunk.hop_samples)
        ]
        total = _length(seconds)
        if total * 1000 < self._thresholds["min_duration_ms"] * SAMPLE_RATE_HZ:
            return Result.abstained("TOO_SHORT")
        silent, unsure = _length(seconds, SILENCE), _length(seconds, UNSURE)
        if total - silent - unsure < self._thresholds["min_heard_share"] * (total - silent):
            return Result.abstained("LOW_CONFIDENCE")
        return Result.ok(
            speech_share=_length(seconds, SPEECH, BOTH) / total,
            music_share=_length(seconds, MUSIC, BOTH) / total,
            noise_share=_length(seconds, NOISE) / total,
            silence_share=silent / total,
            vocal_music_share=None,
            segments=list(_segments(seconds)),
        )

    def _smoothed(self, windows: Sequence[WindowScene]) -> Iterator[WindowScene]:
        """Each window by the median of those around it that are not silent."""
        reach = int(self._thresholds["smoothing_windows"]) // 2
        silence = self._thresholds["silence_dbfs"]
        for at, window in enumerate(windows):
            around = windows[max(at - reach, 0) : at + reach + 1]
            near = [each for each in around if max(each.levels) >= silence] or [window]
            yield replace(
                window,
                speech=median(each.speech for each in near),
                music=median(each.music for each in near),
                noise=median(each.noise for each in near),
            )

    def _is_silent(self, second: Second) -> bool:
        return second.level < self._thresholds["silence_dbfs"]

    def _label(self, second: Second) -> str:
        if self._is_silent(second):
            return SILENCE
        speech = second.speech >= self._thresholds["speech_probability"]
        music = second.music >= self._thresholds["music_probability"]
        if speech or music:
            return BOTH if speech and music else SPEECH if speech else MUSIC
        if second.noise >= self._thresholds["noise_probability"]:
            return NOISE
        likeliest = max((SPEECH, MUSIC, NOISE), key=lambda name: float(getattr(second, name)))
        heard = getattr(second, likeliest) >= self._thresholds["min_probability"]
        return likeliest if heard else UNSURE


@signal(
    name="audio.scene",
    takes=Takes.WINDOWS,
    reads=frozenset({Part.AUDIO}),
    models=("scene",),
    record_name="AudioScene",
    tolerances={
        "speech_share": 0.02,
        "music_share": 0.02,
        "noise_share": 0.02,
        "silence_share": 0.02,
        "start_ms": 1_000,
        "end_ms": 1_000,
    },
)
def audio_scene(loading: Loading) -> SceneScorer:
    """The scorer with the shipped network."""
    network = load_scene_net(loading.path(), loading.device)
    return SceneScorer(network, SceneTrunk(loading.device), loading.thresholds)


def _seconds(windows: Sequence[WindowScene], *, hop: int) -> Iterator[Second]:
    """The seconds of a recording, each by the windows that cover it."""
    if not windows:
        return
    end = (len(windows) - 1) * hop + windows[-1].length
    for number, start in enumerate(range(0, end, hop)):
        near = windows[max(number - 1, 0) : number + 1]
        own = min(number, len(windows) - 1)  # the window that has its level
        yield Second(
            start=start,
            end=min(start + hop, end),
            speech=fmean(window.speech for window in near),
            music=fmean(window.music for window in near),
            noise=fmean(window.noise for window in near),
            level=windows[own].levels[number - own],
        )


def _segments(seconds: Sequence[Second]) -> Iterator[dict[str, object]]:
    """Runs of seconds with one label, with their mean probabilities."""
    for label, group in groupby(seconds, key=lambda second: second.label):
        run = list(group)
        yield {
            "start_ms": _milliseconds(run[0].start),
            "end_ms": _milliseconds(run[-1].end),
            "speech": fmean(second.speech for second in run),
            "music": fmean(second.music for second in run),
            "noise": fmean(second.noise for second in run),
            "label": label,
        }


def _length(seconds: Sequence[Second], *labels: str) -> int:
    """Samples of the seconds with one of the labels; of all without any."""
    return sum(s.samples for s in seconds if s.label in labels or not labels)


def _milliseconds(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE_HZ)
