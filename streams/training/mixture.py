"""Examples to learn from: windows of recordings, alone and mixed, as lines and codecs leave them.

T: samples, 16 kHz, mono, float32; L: the classes of `earmark.models.scene_net`
"""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from earmark.models.scene_net import CLASSES, SAMPLE_RATE_HZ, WINDOW_SAMPLES
from earmark.processors.block import Samples
from earmark.streams.training.noise import shaped

Random = np.random.Generator
Targets = NDArray[np.float32]

UNKNOWN = -1.0  # a target that is not learned from
_AUDIBLE_DB = 12.0  # so far below the other a class is still to be found
_INAUDIBLE_DB = 25.0  # and so far below it is not

# what an example is made of, and how often
_RECIPES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("speech",), 0.26),
    (("music",), 0.28),
    (("noise",), 0.22),
    (("speech", "music"), 0.10),
    (("speech", "noise"), 0.10),
    (("music", "noise"), 0.04),
)
_BABBLE = 0.06  # of the noise: many people talking
_VOICES = 6  # fewer of them can be understood
_FOLLOWING = 0.25  # of the mixtures, one after the other instead of one over the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording of one class; those of one source are likely to be alike."""

    samples_T: Samples
    label: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A window with its targets, 1, 0 or `UNKNOWN` for each class."""

    window_T: Samples
    targets_L: Targets


class Mixer:
    """Draws examples from recordings, each source as often as the root of its length says."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        grouped: dict[str, dict[str, list[Recording]]] = defaultdict(lambda: defaultdict(list))
        for each in recordings:
            grouped[each.label][each.source].append(each)
        self._sources = {
            label: [(grouped[label][source], _weight(grouped[label][source])) for source in sources]
            for label, sources in ((label, sorted(grouped[label])) for label in sorted(grouped))
        }

    def draw(self, random: Random) -> Example:
        """The next example."""
        recipes = [labels for labels, _ in _RECIPES]
        shares = [share for _, share in _RECIPES]
        labels = recipes[int(random.choice(len(recipes), p=shares))]
        babble = labels[-1] == "noise" and random.random() < _BABBLE
        waves = [
            self._babble(random) if babble and label == "noise" else self._window(random, label)
            for label in labels
        ]
        if len(waves) == 1:
            window_T, levels = waves[0], {labels[0]: 0.0}
        elif random.random() < _FOLLOWING:
            window_T, levels = _joined(random, waves), dict.fromkeys(labels, 0.0)
        else:
            below = float(random.uniform(-3, 22)) if labels[0] == "speech" else _balance(random)
            window_T = waves[0] + waves[1] * np.float32(10 ** (-below / 20))
            levels = {labels[0]: min(0.0, below), labels[1]: -max(0.0, below)}
        targets_L = _targets(levels)
        if babble and "speech" not in labels:
            targets_L[CLASSES.index("speech")] = UNKNOWN
        return Example(window_T=weathered(random, window_T), targets_L=targets_L)

    def _babble(self, random: Random) -> Samples:
        voices = [self._window(random, "speech") for _ in range(_VOICES)]
        total_T: Samples = np.sum(voices, axis=0, dtype=np.float32) / np.float32(np.sqrt(_VOICES))
        return total_T

    def _window(self, random: Random, label: str) -> Samples:
        """A window of the class at -26 dBFS, with sound in a fifth of it at least."""
        sources = self._sources[label]
        weights = np.array([weight for _, weight in sources])
        for _ in range(20):
            recordings, _ = sources[int(random.choice(len(sources), p=weights / weights.sum()))]
            samples_T = recordings[int(random.integers(len(recordings)))].samples_T
            window_T = _cut(random, samples_T, label)
            if _active_share(window_T, float(np.abs(samples_T).max())) > 0.2:
                break
        power = np.square(window_T[np.abs(window_T) > 0]).mean() if window_T.any() else 1.0
        levelled: Samples = (window_T * 0.05 / max(np.sqrt(power), 1e-6)).astype(np.float32)
        return levelled


def _weight(recordings: Sequence[Recording]) -> float:
    return float(np.sqrt(sum(min(len(each.samples_T), 60 * SAMPLE_RATE_HZ) for each in recordings)))


def _balance(random: Random) -> float:
    return float(random.uniform(-10, 20))


def _cut(random: Random, samples_T: Samples, label: str) -> Samples:
    """A window from anywhere in the recording, faster or slower; zeros fill what it lacks."""
    speed = float(np.exp(random.normal(0, 0.12 if label == "speech" else 0.2)))
    length = min(int(WINDOW_SAMPLES * speed) + 2, len(samples_T))
    start = int(random.integers(0, len(samples_T) - length + 1))
    piece_T = samples_T[start : start + length]
    at = np.arange(min(int(length / speed), WINDOW_SAMPLES)) * speed
    warped_T = np.interp(at, np.arange(length), piece_T)
    window_T = np.zeros(WINDOW_SAMPLES, np.float32)
    offset = int(random.integers(0, WINDOW_SAMPLES - len(warped_T) + 1))
    offset = offset if random.random() < 0.3 else 0
    window_T[offset : offset + len(warped_T)] = warped_T
    return window_T


def _active_share(window_T: Samples, peak: float) -> float:
    frames = np.sqrt(
        np.square(window_T[: len(window_T) // 320 * 320].reshape(-1, 320)).mean(axis=1)
    )
    return float((frames > 0.02 * peak).mean()) if (window_T != 0).mean() > 0.5 else 1.0


def _joined(random: Random, waves: Sequence[Samples]) -> Samples:
    border = int(random.uniform(0.35, 0.65) * WINDOW_SAMPLES)
    first, second = waves if random.random() < 0.5 else waves[::-1]
    joined: Samples = np.concatenate((first[-border:], second[: WINDOW_SAMPLES - border]))
    return joined


def _targets(levels: Mapping[str, float]) -> Targets:
    """1 for what is heard, `UNKNOWN` for what nearly drowns in the other, 0 for the rest."""
    targets = np.zeros(len(CLASSES), np.float32)
    for number, name in enumerate(CLASSES):
        level = levels.get(name, -np.inf)
        targets[number] = 1 if level > -_AUDIBLE_DB else UNKNOWN if level > -_INAUDIBLE_DB else 0
    return targets


def weathered(random: Random, window_T: Samples) -> Samples:
    """The window after a random chain of room, line, codec, cut and gain."""
    for likelihood, change in _CHANGES:
        if random.random() < likelihood:
            window_T = change(random, window_T)
    peak = max(float(np.abs(window_T).max()), 1e-6)
    gain = 10 ** (-float(random.exponential(12)) / 20) / peak
    limited: Samples = np.clip(window_T * gain, -1, 1).astype(np.float32)
    return limited


def _room(random: Random, window_T: Samples) -> Samples:
    decay_s = random.uniform(0.1, 1.2)
    t = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    echo = random.standard_normal(len(t)) * np.exp(-6.9 * t / decay_s) * random.uniform(0.01, 0.15)
    echo[0] = 1.0
    return _convolved(window_T, echo)


def _convolved(window_T: Samples, response: NDArray[np.float64]) -> Samples:
    size = 1 << (len(window_T) + len(response)).bit_length()
    spectrum = np.fft.rfft(window_T, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(window_T)].astype(np.float32)


def _filtered(window_T: Samples, gain: Callable[[NDArray[np.float64]], Any]) -> Samples:
    frequency = np.maximum(np.fft.rfftfreq(len(window_T), 1 / SAMPLE_RATE_HZ), 1.0)
    shaped_T = np.fft.irfft(np.fft.rfft(window_T) * gain(frequency), len(window_T))
    return shaped_T.astype(np.float32)


def _tilted(random: Random, window_T: Samples) -> Samples:
    slope, bump = random.uniform(-1, 1), random.uniform(-0.7, 2)
    centre, width = np.exp(random.uniform(np.log(150), np.log(6_000))), random.uniform(0.2, 1)
    return _filtered(
        window_T,
        lambda f: (
            (f / 1_000) ** (slope / 2) * (1 + bump * np.exp(-np.square(np.log(f / centre) / width)))
        ),
    )


def _narrow(random: Random, window_T: Samples) -> Samples:
    """Telephone, or another limit to the band."""
    high = 3_400.0 if random.random() < 0.5 else random.uniform(2_500, 7_500)
    low = random.uniform(20, 350)
    return _filtered(window_T, lambda f: 1 / (1 + (f / high) ** 24) / (1 + (low / f) ** 6))


def _hissing(random: Random, window_T: Samples) -> Samples:
    """Noise of the line, too soft to be called noise."""
    level = float(np.abs(window_T).max()) * 10 ** (-random.uniform(35, 65) / 20)
    return (window_T + level * shaped(random, len(window_T))).astype(np.float32)


def _clipped(random: Random, window_T: Samples) -> Samples:
    limit = float(np.abs(window_T).max()) * random.uniform(0.2, 0.9)
    return np.clip(window_T, -limit, limit)


def _short(random: Random, window_T: Samples) -> Samples:
    """The end of a recording: zeros follow."""
    length = int(np.exp(random.uniform(np.log(0.2), np.log(1.9))) * SAMPLE_RATE_HZ)
    loudest = int(np.argmax(np.abs(window_T)))
    start = int(np.clip(loudest - random.uniform(0, 0.8) * length, 0, WINDOW_SAMPLES - length))
    cut_T = np.zeros_like(window_T)
    cut_T[:length] = window_T[start : start + length]
    return cut_T


def _gapped(random: Random, window_T: Samples) -> Samples:
    """Words or sounds set apart: nothing at all between them."""
    gate_T = np.zeros(WINDOW_SAMPLES)
    at = int(random.uniform(-0.5, 0.5) * SAMPLE_RATE_HZ)
    while at < WINDOW_SAMPLES:
        on, off = (random.uniform(0.25, 1.0, 2) * SAMPLE_RATE_HZ).astype(int)
        gate_T[max(at, 0) : max(at + on, 0)] = 1
        at += int(on + off)
    smooth_T = np.convolve(gate_T, np.ones(320) / 320, mode="same")
    gapped_T: Samples = (window_T * smooth_T).astype(np.float32)
    return gapped_T if np.square(gapped_T).sum() > 0.3 * np.square(window_T).sum() else window_T


def _coded(random: Random, window_T: Samples) -> Samples:
    """Through MP3 or Opus at a low bit rate."""
    name, container, rate = (
        ("libmp3lame", "mp3", int(random.choice([16_000, 24_000, 32_000, 48_000])))
        if random.random() < 0.5
        else ("libopus", "ogg", int(random.choice([8_000, 12_000, 16_000, 24_000])))
    )
    peak = max(float(np.abs(window_T).max()), 1e-6)
    with io.BytesIO() as file:
        with av.open(file, "w", format=container) as out:
            stream = cast(AudioStream, out.add_stream(name, rate=SAMPLE_RATE_HZ, layout="mono"))
            stream.bit_rate = rate
            samples = (np.clip(window_T / peak, -1, 1) * 30_000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.rate = SAMPLE_RATE_HZ
            resampler = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate)
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                out.mux(stream.encode(part))
            out.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r") as coded:
            mono = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
            pieces = [p.to_ndarray()[0] for f in coded.decode(audio=0) for p in mono.resample(f)]
    decoded_T = np.concatenate(pieces)[:WINDOW_SAMPLES] * np.float32(peak)
    return np.pad(decoded_T, (0, WINDOW_SAMPLES - len(decoded_T))).astype(np.float32)


_CHANGES: tuple[tuple[float, Callable[[Random, Samples], Samples]], ...] = (
    (0.2, _room),
    (0.5, _tilted),
    (0.35, _narrow),
    (0.5, _hissing),
    (0.05, _clipped),
    (0.1, _coded),
    (0.12, _short),
    (0.1, _gapped),
)
