"""`audio.rhythm`: tempo, other tempi that it may be heard at, and beats.

Spectral flux (Dixon 2006), autocorrelation times Fourier magnitude (Peeters 2007) under a
log-normal weighting of tempi, beats by dynamic programming (Ellis 2007): see
`earmark.models.onset`, `tempo` and `beat`. One tempo stands for the whole recording; where it
changes for good (a mix, an album in one file) the signal abstains. Which level of the metre people
tap is a guess: half and double stand among the alternatives. It knows no bars and no downbeats.

N: frames, 100 a second
"""

from earmark.models.beat import beats
from earmark.models.onset import FRAMES_PER_SECOND, Curve, OnsetFold
from earmark.models.tempo import accents, confidence, tempo
from earmark.processors.fold_meter import FoldMeter
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, MonoMeter, Part, Takes, signal
from earmark.processors.threshold import shipped_thresholds

NAME = "audio.rhythm"
MOST_BEATS = 20_000  # under three hours at 120 beats per minute; 80 kB in Avro
FRAME_MS = 1000 // FRAMES_PER_SECOND


@signal(
    name=NAME,
    takes=Takes.METER,
    reads=frozenset({Part.AUDIO}),
    method=("earmark-rhythm", "1"),
    tolerance=0.01,
    record_name="AudioRhythm",
)
def audio_rhythm(_audio: AudioFormat) -> MonoMeter:
    """The meter for one recording."""
    return FoldMeter(OnsetFold(), _concluded)


def _concluded(fold: OnsetFold) -> Result:
    """Tempo, confidence and beats.

    Abstains with TOO_SHORT below 4 s, with TEMPO_VARIES where every passage has a pulse but not
    the same one, and with NO_PULSE where none is clear enough.
    """
    thresholds = shipped_thresholds(NAME)
    strength_N = fold.finish()
    if len(strength_N) * FRAME_MS < thresholds["min_duration_ms"]:
        return Result.abstained("TOO_SHORT")
    found = tempo(strength_N)
    if found is None:
        return Result.abstained("NO_PULSE")
    sure = confidence(found.clarity, stability=found.stability, windows=found.windows)
    if found.stability < thresholds["min_stability"]:
        is_local = confidence(found.local_clarity) >= thresholds["min_confidence"]
        return Result.abstained("TEMPO_VARIES" if is_local else "NO_PULSE")
    if sure < thresholds["min_confidence"]:
        return Result.abstained("NO_PULSE")
    return Result.ok(
        tempo_bpm=found.bpm,
        confidence=sure,
        tempo_stability=found.stability,
        alternatives=[{"tempo_bpm": bpm, "weight": weight} for bpm, weight in found.alternatives],
        **_beats(strength_N, found.bpm),
    )


def _beats(strength_N: Curve, bpm: float) -> dict[str, object]:
    followed = round(MOST_BEATS * 60 * FRAMES_PER_SECOND / bpm)
    frames = beats(accents(strength_N[:followed]), bpm)[:MOST_BEATS]
    return {
        "beats": (frames * FRAME_MS).tolist(),
        "beats_truncated": len(strength_N) > followed,
    }
