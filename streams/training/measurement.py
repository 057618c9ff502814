"""How well scenes are told on labelled recordings, each heard whole, as the signal hears it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.processors.block import Samples
from earmark.processors.content import ContentEvent
from earmark.processors.outcome import Verdict
from earmark.processors.signal import ItemView
from earmark.processors.signals.audio_scene import SceneScorer
from earmark.processors.window import WindowCutter
from earmark.streams.training.manifest import Row, recording

LABELS = ("speech", "music", "noise", "silence")
RESAMPLES = 2_000

_VIEW = ItemView(event=ContentEvent(event_id="measured", content_id="measured"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was said of one recording, and what is so; `answer`: its largest share, or why none."""

    id: str
    truth: str
    answer: str
    speech: float  # means over the recording
    music: float
    noise: float


def hear(scorer: SceneScorer, row: Row) -> Heard:
    """The signal's answer to a recording."""
    return heard(scorer, row.id, str(row.labels["class"]), recording(Path(row.path)))


def heard(scorer: SceneScorer, name: str, truth: str, samples_T: Samples) -> Heard:
    """The signal's answer to samples."""
    cutter = WindowCutter(size=scorer.trunk.window_samples, hop=scorer.trunk.hop_samples)
    windows = [*cutter.cut(samples_T), *cutter.flush()]
    features = scorer.trunk.features(
        np.stack([window.samples_T for window in windows]), [window.length for window in windows]
    )
    scores = scorer.score(features)
    result = scorer.conclude(_VIEW, scores)
    answer = str(result.reason)
    if result.outcome == Verdict.OK:
        shares = {label: float(str(result.fields[f"{label}_share"])) for label in LABELS}
        answer = max(shares, key=shares.__getitem__)
    means = {
        name: float(np.mean([getattr(score, name) for score in scores])) for name in LABELS[:3]
    }
    return Heard(id=name, truth=truth, answer=answer, **means)


def report(answers: Sequence[Heard]) -> dict[str, Any]:
    """Recall by class, balanced accuracy and speech against music, with 95 % intervals."""
    speech_music = [each for each in answers if each.truth in {"speech", "music"}]
    both = {each.truth for each in speech_music} == {"speech", "music"}
    return {
        "n": dict(Counter(each.truth for each in answers)),
        "balanced_accuracy": _interval(balanced_accuracy, answers),
        "recall": recalls(answers),
        "speech_music_auc": _interval(speech_music_auc, speech_music) if both else {},
        "speech_music_accuracy": _interval(speech_music_accuracy, speech_music),
        "wrong": [f"{e.id}: {e.truth} as {e.answer}" for e in answers if e.truth != e.answer],
    }


def recalls(answers: Sequence[Heard]) -> Mapping[str, float]:
    """For each class that there is, the share of its recordings that was told."""
    return {
        label: float(np.mean([e.answer == label for e in answers if e.truth == label]))
        for label in LABELS
        if any(e.truth == label for e in answers)
    }


def balanced_accuracy(answers: Sequence[Heard]) -> float:
    """The mean of the recalls."""
    return float(np.mean(list(recalls(answers).values())))


def speech_music_accuracy(answers: Sequence[Heard]) -> float:
    """How often the mean probability of the true one of the two is the larger."""
    return float(np.mean([(e.speech > e.music) == (e.truth == "speech") for e in answers]))


def speech_music_auc(answers: Sequence[Heard]) -> float:
    """The area under the curve of speech against music, by the difference of the two."""
    speech = np.array([e.speech - e.music for e in answers if e.truth == "speech"])
    music = np.array([e.speech - e.music for e in answers if e.truth == "music"])
    above: NDArray[np.float64] = (speech[:, None] > music).astype(float)
    return float((above + 0.5 * (speech[:, None] == music)).mean())


def _interval(
    metric: Callable[[Sequence[Heard]], float], answers: Sequence[Heard]
) -> dict[str, float]:
    """The metric, and the percentiles of it over resamples within each class."""
    if not answers:
        return {}
    random = np.random.default_rng(1)
    classes = [[e for e in answers if e.truth == label] for label in LABELS]
    values = [
        metric([c[int(i)] for c in classes if c for i in random.integers(len(c), size=len(c))])
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(values, (2.5, 97.5))
    return {"value": metric(answers), "low": float(low), "high": float(high)}
