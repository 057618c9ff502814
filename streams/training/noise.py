"""Noise from nothing: what is neither speech nor music, in many kinds.

T: samples at 16 kHz, float64; levels are of no meaning
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000

Wave = NDArray[np.float64]
Random = np.random.Generator


def noise(random: Random, seconds: float) -> tuple[str, Wave]:
    """A kind of noise by name, and so many seconds of it."""
    names = sorted(KINDS)
    name = names[int(random.integers(len(names)))]
    wave_T = KINDS[name](random, int(seconds * RATE_HZ))
    return name, wave_T


def shaped(random: Random, samples: int, *, slope: float | None = None) -> Wave:
    """Noise whose power falls with frequency as f^-slope, with up to three broad resonances."""
    slope = float(random.uniform(-0.5, 2.5)) if slope is None else slope
    spectrum = np.fft.rfft(random.standard_normal(samples))
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 20.0)
    gain = frequency ** (-slope / 2)
    for _ in range(int(random.integers(0, 4))):
        centre, width = np.exp(random.uniform(np.log(100), np.log(7_000))), random.uniform(0.1, 0.8)
        peak = random.uniform(1, 12)
        gain = gain * (1 + peak * np.exp(-np.square(np.log(frequency / centre) / width)))
    wave: Wave = np.fft.irfft(spectrum * gain, samples)
    return normed(wave)


def normed(wave_T: Wave) -> Wave:
    """The wave with its peak at 1."""
    scaled: Wave = wave_T / max(float(np.abs(wave_T).max(initial=0.0)), 1e-9)
    return scaled


def _steady(random: Random, samples: int) -> Wave:
    return shaped(random, samples)


def _gusts(random: Random, samples: int) -> Wave:
    """Wind, surf, traffic: noise that swells slowly and at random."""
    points = random.uniform(0.02, 1, max(int(samples / RATE_HZ * random.uniform(0.3, 3)), 2) + 1)
    swell = np.interp(np.linspace(0, len(points) - 1, samples), np.arange(len(points)), points)
    return shaped(random, samples) * swell ** random.uniform(1, 3)


def _strokes(random: Random, samples: int) -> Wave:
    """Sawing, brushing, breathing, wheels: noise in regular or nearly regular strokes."""
    period = RATE_HZ * float(np.exp(random.uniform(np.log(0.12), np.log(1.5))))
    jitter = np.cumsum(random.normal(0, 0.02, samples)) / 50
    phase = (np.arange(samples) / period + jitter) % 1
    power = random.uniform(0.5, 6)
    wave: Wave = shaped(random, samples) * np.sin(np.pi * phase) ** (2 * power)
    return wave


def _burst(random: Random, *, longest_s: float) -> Wave:
    """One knock, thud, clink or crash: noise or a few inharmonic partials that die away."""
    length_s = float(np.exp(random.uniform(np.log(0.02), np.log(longest_s))))
    t = np.arange(int(length_s * RATE_HZ) + 1) / RATE_HZ
    rattle = shaped(random, len(t)) * np.exp(-t * random.uniform(4, 7) / length_s)
    ring = np.zeros_like(t)
    for _ in range(int(random.integers(0, 6))):
        pitch = np.exp(random.uniform(np.log(80), np.log(6_000)))
        decay = np.exp(-t * random.uniform(5, 20) / length_s)
        ring += random.uniform(0.1, 1) * decay * np.sin(2 * np.pi * pitch * t)
    attack = np.minimum(t / random.uniform(0.0005, 0.02), 1)
    return normed((rattle + random.uniform(0, 1.5) * ring) * attack)


def _impacts(random: Random, samples: int) -> Wave:
    """Footsteps, doors, hammering: one thing struck again and again, never quite in time."""
    wave = np.zeros(samples + 2 * RATE_HZ)
    gap = float(np.exp(random.uniform(np.log(0.15), np.log(2.0))))
    things = [_burst(random, longest_s=1.2) for _ in range(int(random.integers(1, 4)))]
    at = random.uniform(0, 0.4)
    while at * RATE_HZ < samples:
        thing = things[int(random.integers(len(things)))] * random.uniform(0.3, 1)
        wave[int(at * RATE_HZ) :][: len(thing)] += thing[: len(wave) - int(at * RATE_HZ)]
        at += gap * random.lognormal(0, 0.35)
    return wave[:samples]


def _crackle(random: Random, samples: int) -> Wave:
    """Fire, rain, gravel, frying: very many tiny bursts at random over a bed of noise."""
    rate = float(np.exp(random.uniform(np.log(8), np.log(3_000))))
    spikes = random.standard_normal(samples) * (random.random(samples) < rate / RATE_HZ)
    spikes *= random.lognormal(0, 1, samples)
    grain = shaped(random, 400) * np.exp(-np.arange(400) / random.uniform(8, 120))
    bed = shaped(random, samples) * random.uniform(0, 0.6)
    return normed(np.convolve(spikes, grain)[:samples]) + bed


def _engine(random: Random, samples: int) -> Wave:
    """Motors and machines: a low buzz whose speed wanders, with noise."""
    pitch = np.exp(random.uniform(np.log(18), np.log(180)))
    drift = np.cumsum(random.normal(0, 1, samples))
    speed = 1 + 0.05 * random.uniform(0, 4) * drift / max(np.abs(drift).max(), 1e-9)
    phase = 2 * np.pi * np.cumsum(pitch * speed) / RATE_HZ
    wave = np.zeros(samples)
    for number in range(1, int(random.integers(6, 40))):
        wave += (
            random.uniform(0.2, 1) * number ** -random.uniform(0.2, 1.2) * np.sin(number * phase)
        )
    rough = 1 + random.uniform(0, 0.8) * shaped(random, samples, slope=2.0)
    return normed(wave * rough) + random.uniform(0.02, 1.0) * shaped(random, samples)


def _hum(random: Random, samples: int) -> Wave:
    """Mains hum."""
    t = np.arange(samples) / RATE_HZ
    base = float(random.choice([50.0, 60.0])) * random.uniform(0.99, 1.01)
    wave = np.zeros(samples)
    for number in range(1, int(random.integers(2, 14))):
        phase = random.uniform(0, 2 * np.pi)
        wave += random.uniform(0, 1) / number * np.sin(2 * np.pi * base * number * t + phase)
    return normed(wave) + random.uniform(0, 0.1) * shaped(random, samples)


def _test_tone(random: Random, samples: int) -> Wave:
    """One steady tone or sweep, pure or clipped."""
    t = np.arange(samples) / RATE_HZ
    pitch = np.exp(random.uniform(np.log(60), np.log(6_000)))
    end = pitch if random.random() < 0.7 else np.exp(random.uniform(np.log(60), np.log(6_000)))
    wave = np.sin(2 * np.pi * np.cumsum(np.interp(t, [0, t[-1]], [pitch, end])) / RATE_HZ)
    if random.random() < 0.4:
        wave = np.clip(wave * random.uniform(1, 10), -1, 1)
    noisy: Wave = wave + random.uniform(0, 0.02) * random.standard_normal(samples)
    return noisy


def _alarm(random: Random, samples: int) -> Wave:
    """Beeps, dial tones, sirens and bells: one or two tones, on and off without end."""
    t = np.arange(samples) / RATE_HZ
    period, duty = np.exp(random.uniform(np.log(0.1), np.log(3.0))), random.uniform(0.2, 1)
    on = ((t / period) % 1 < duty).astype(float)
    on = np.convolve(on, np.ones(80) / 80, mode="same")
    tones = np.exp(random.uniform(np.log(350), np.log(4_000), int(random.integers(1, 3))))
    vary = random.uniform(0, 0.3) * np.sin(2 * np.pi * t / period)
    phases = [2 * np.pi * np.cumsum(tone * (1 + vary)) / RATE_HZ for tone in tones]
    wave: Wave = sum((np.sin(phase) for phase in phases), np.zeros(samples)) * on
    rung: Wave = wave * np.exp(-((t % period) * random.uniform(0, 12)))
    return rung


def _animal(random: Random, samples: int) -> Wave:
    """Chirps, barks and squeaks: short glides of a tone or of noise."""
    wave = np.zeros(samples + RATE_HZ)
    at = random.uniform(0, 0.3)
    low, high = sorted(np.exp(random.uniform(np.log(250), np.log(6_000), 2)))
    length_s, harmonics = np.exp(random.uniform(np.log(0.03), np.log(0.4))), random.integers(1, 6)
    while at * RATE_HZ < samples:
        t = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
        glide = np.interp(t, [0, length_s / 2, length_s], random.uniform(low, high, 3))
        phase = 2 * np.pi * np.cumsum(glide) / RATE_HZ
        call = sum((np.sin(n * phase) / n for n in range(1, harmonics + 1)), np.zeros(len(t)))
        call = call * np.sin(np.pi * t / length_s) * random.uniform(0.3, 1)
        wave[int(at * RATE_HZ) :][: len(call)] += call
        at += length_s + random.exponential(random.choice([0.05, 0.5]))
    return wave[:samples] + random.uniform(0, 0.2) * shaped(random, samples)


def _many(random: Random, samples: int) -> Wave:
    """A place with several things going on."""
    parts = [kind for name, kind in sorted(KINDS.items()) if name != "many"]
    wave = np.zeros(samples)
    for _ in range(int(random.integers(2, 5))):
        part = parts[int(random.integers(len(parts)))]
        wave += random.uniform(0.1, 1) * normed(part(random, samples))
    return wave


KINDS: dict[str, Callable[[Any, int], Wave]] = {
    "alarm": _alarm,
    "animal": _animal,
    "crackle": _crackle,
    "engine": _engine,
    "gusts": _gusts,
    "hum": _hum,
    "impacts": _impacts,
    "many": _many,
    "steady": _steady,
    "strokes": _strokes,
    "test_tone": _test_tone,
}
