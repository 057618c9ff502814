"""What signals say of places in a recording, as lanes along its time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.processors.item_text import AUDIO_TRANSCRIPT, TRANSCRIPT
from earmark.streams.web.index.search import INTEGRITY
from earmark.streams.web.item_view import SAFETY, Record, Signals, Text, words_of

MOST_SEGMENTS = 5_000  # of a lane
SURE = 0.5  # of a window of a scene, from where on it counts as such

Lane = dict[str, Any]


def timeline(signals: Signals, texts: Sequence[Text], level: Sequence[Any] | None) -> Lane:
    """All lanes; `level` are points of the loudness over time, once the recording was drawn."""
    lanes = [
        *_speech(_of(signals, "audio.speech")),
        *_scene(_of(signals, "audio.scene")),
        *_quality(_of(signals, "audio.speech_quality")),
        *_beats(_of(signals, "audio.rhythm")),
        *_transcript(signals, texts),
    ]
    if level:
        lanes.append(_lane("loudness", "line", unit="dBFS", points=level))
    return {"duration_s": duration_s(signals, lanes), "lanes": lanes}


def duration_s(signals: Signals, lanes: Sequence[Lane] = ()) -> float | None:
    """How long the recording is; from its lanes where no signal says so."""
    found = _of(signals, INTEGRITY).get("decoded_duration_ms")
    if found is not None:
        return float(found) / 1000
    ends = [part["end_s"] for lane in lanes for part in lane.get("segments", ())]
    return max(ends, default=None)


def _speech(record: Record) -> Iterator[Lane]:
    if segments := record.get("segments"):
        yield _bands("speech", [_segment(it, "speech", it["score"]) for it in segments])


def _scene(record: Record) -> Iterator[Lane]:
    if not (segments := record.get("segments")):
        return
    labelled = [_segment(it, it["label"], _sureness(it)) for it in segments]
    yield _bands("scene", labelled)
    music = [_segment(it, "music", it["music"]) for it in segments if it["music"] >= SURE]
    if music:
        yield _bands("music", music)


def _sureness(segment: Record) -> float | None:
    scores = [segment[name] for name in ("speech", "music", "noise")]
    return segment.get(segment["label"], max(scores))  # type: ignore[no-any-return]  # a number


def _quality(record: Record) -> Iterator[Lane]:
    if segments := record.get("segments"):
        points = [[(it["start_ms"] + it["end_ms"]) / 2000, it["mos"]] for it in segments]
        yield _lane("quality", "line", unit="MOS", points=points[:MOST_SEGMENTS])


def _beats(record: Record) -> Iterator[Lane]:
    if beats := record.get("beats"):
        segments = [
            {"start_s": at / 1000, "end_s": at / 1000, "label": "beat", "score": None}
            for at in beats
        ]
        yield _bands("beats", segments)


def _transcript(signals: Signals, texts: Sequence[Text]) -> Iterator[Lane]:
    record = _of(signals, AUDIO_TRANSCRIPT)
    if not record.get("segments"):
        return
    text = next((it for it in texts if it.field == TRANSCRIPT), None)
    unsafe = [
        (span["start"], span["end"])
        for span in _of(signals, SAFETY).get("spans", ())
        if span["field"] == TRANSCRIPT
    ]
    words = [
        {
            "start_s": segment["start_ms"] / 1000,
            "end_s": segment["end_ms"] / 1000,
            "text": said,
            "unsafe": at >= 0 and any(s < at + len(said) and at < e for s, e in unsafe),
        }
        for segment, said, at in words_of(record, text)
    ]
    yield _lane("transcript", "words", words=words[:MOST_SEGMENTS])


def _segment(found: Record, label: str, score: float | None) -> dict[str, Any]:
    return {
        "start_s": found["start_ms"] / 1000,
        "end_s": found["end_ms"] / 1000,
        "label": label,
        "score": score,
    }


def _bands(name: str, segments: Sequence[Mapping[str, Any]]) -> Lane:
    return _lane(name, "bands", segments=list(segments[:MOST_SEGMENTS]))


def _lane(name: str, kind: str, *, unit: str | None = None, **parts: object) -> Lane:
    return {"name": name, "kind": kind, "unit": unit, **parts}


def _of(signals: Signals, name: str) -> Record:
    return signals[name].record if name in signals else {}
