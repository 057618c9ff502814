"""`audio.key`: key and mode, tuning, and the pitch classes that they were told from.

Spectral peaks folded to pitch classes (Gómez 2006), correlated with what major and minor keys use
(Krumhansl 1990; templates of Albrecht and Shanahan 2013): see `earmark.models.chroma` and
`tonality`. One key stands for the whole recording, modulations or not. It knows major and minor and
no other mode; relative keys share their notes, and are its commonest confusion.
"""

from earmark.models.chroma import ChromaFold, Pitches
from earmark.models.tonality import Tonality, tonality
from earmark.processors.fold_meter import FoldMeter
from earmark.processors.outcome import Result
from earmark.processors.signal import AudioFormat, MonoMeter, Part, Takes, signal
from earmark.processors.threshold import shipped_thresholds

NAME = "audio.key"
ALTERNATIVES = 4


@signal(
    name=NAME,
    takes=Takes.METER,
    reads=frozenset({Part.AUDIO}),
    method=("earmark-key", "1"),
    tolerance=0.01,
    record_name="AudioKey",
)
def audio_key(_audio: AudioFormat) -> MonoMeter:
    """The meter for one recording."""
    return FoldMeter(ChromaFold(), _concluded)


def _concluded(fold: ChromaFold) -> Result:
    """Key, mode, confidence, tuning, alternatives and chroma.

    Abstains with TOO_SHORT below 4 s, and with NO_TONALITY where pitches keep to no semitones,
    fit no key, are too few, or never change.
    """
    thresholds = shipped_thresholds(NAME)
    pitches = fold.finish()
    if 1000 * pitches.seconds < thresholds["min_duration_ms"]:
        return Result.abstained("TOO_SHORT")
    found = tonality(pitches)
    if found is None or not _is_tonal(pitches, found):
        return Result.abstained("NO_TONALITY")
    (key, mode, probability), *others = found.keys
    return Result.ok(
        key=key,
        mode=mode,
        confidence=probability,
        tuning_cents=found.tuning_cents,
        alternatives=[
            {"key": tonic, "mode": its_mode, "probability": its_probability}
            for tonic, its_mode, its_probability in others[:ALTERNATIVES]
        ],
        chroma=found.chroma_P.tolist(),
    )


def _is_tonal(pitches: Pitches, found: Tonality) -> bool:
    thresholds = shipped_thresholds(NAME)
    return (
        found.concentration >= thresholds["min_concentration"]
        and found.correlation >= thresholds["min_correlation"]
        and found.classes >= thresholds["min_classes"]
        and 1000 * pitches.pitched_s >= thresholds["min_pitched_ms"]
        and pitches.change >= thresholds["min_change"]
    )
