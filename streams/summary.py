"""The few numbers of a signal that matter, in one short line for tables and terminals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from earmark.processors.quantity import quantity

Record = Mapping[str, Any]

SMALL = 0.01  # below one per cent a share is not worth the space


def headline(name: str, record: Record) -> str:
    """What the record says, short enough for a table's cell; the reason where it does not say."""
    if record["outcome"] != "OK":
        return str(record.get("reason") or "")
    return _HEADLINES.get(name, _any)(record)


def _integrity(record: Record) -> str:
    seconds = (record["decoded_duration_ms"] or 0) / 1000
    kilohertz = (record["sample_rate_hz"] or 0) / 1000
    line = f"{record['codec']} {kilohertz:g} kHz x{record['channels']}, {seconds:.1f} s"
    notes = [
        f"{share:.0%} {word}"
        for word, share in (
            ("clipped", record["clipped_share"] or 0),
            ("silent", record["silence_share"] or 0),
        )
        if share >= SMALL
    ]
    if record["decode_errors"]:
        notes.append(f"{record['decode_errors']} decode errors")
    if record["truncated"]:
        notes.append("truncated")
    return ", ".join((line, *notes))


def _loudness(record: Record) -> str:
    return f"{record['integrated_lufs']:.1f} LUFS, peak {record['true_peak_dbtp']:.1f} dBTP"


def _fingerprint(record: Record) -> str:
    return f"{record['count']:,} landmarks over {record['covered_ms'] / 1000:.0f} s"


def _speech(record: Record) -> str:
    return f"{record['speech_share']:.0%} speech in {len(record['segments'])} segments"


def _transcript(record: Record) -> str:
    return _shortened(record["text"], 60)


def _language(record: Record) -> str:
    return f"{record['language']} {record['probability']:.2f}"


def _safety(record: Record) -> str:
    scores = ", ".join(f"{label} {score:.2f}" for label, score in record["scores"].items())
    sources: Sequence[str] = record["applied_input_types"]
    return f"{'!! ' if record['labels'] else ''}{scores} ({'+'.join(sources)})"


def _embedding(record: Record) -> str:
    return f"{len(record['vectors'])} x {record['dim']} floats"


def _scene(record: Record) -> str:
    kinds = ("speech", "music", "noise", "silence")
    shares = [(kind, record[f"{kind}_share"] or 0.0) for kind in kinds]
    return ", ".join(f"{share:.0%} {kind}" for kind, share in shares if share >= SMALL) or "nothing"


def _spoken_language(record: Record) -> str:
    return f"{'' if record['is_english'] else 'not '}English {record['english_probability']:.2f}"


def _music(record: Record) -> str:
    return ", ".join(f"{tag} {record['scores'][tag]:.2f}" for tag in record["labels"][:4])


def _rhythm(record: Record) -> str:
    return f"{record['tempo_bpm']:.0f} bpm ({record['confidence']:.2f})"


def _key(record: Record) -> str:
    return f"{record['key']} {record['mode']} ({record['confidence']:.2f})"


def _audio_embedding(record: Record) -> str:
    segments = len(record["segments"])
    return f"{record['dim']} floats, {quantity(segments, 'segment')}"


def _speech_quality(record: Record) -> str:
    return f"MOS {record['mos']:.1f}, {record['bandwidth'] or 'bandwidth unknown'}"


def _explicit(record: Record) -> str:
    return f"{record['parental_warning']}, {len(record['evidence'])} pieces of evidence"


def _pii(record: Record) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(record["kinds"].items()))
    return kinds or "none found"


def _quality(record: Record) -> str:
    return ", ".join((quantity(record["words"], "word"), *record["labels"]))


def _sentiment(record: Record) -> str:
    return f"{record['label']} {record['confidence']:.2f}"


def _topics(record: Record) -> str:
    return ", ".join(f"{label} {record['topics'][label]:.2f}" for label in record["labels"])


def _any(record: Record) -> str:
    """Of a signal that is not ours: its labels and its plain numbers and words."""
    own = list(record)[list(record).index("provenance") + 1 :]
    plain = [f"{n} {record[n]:.3g}" for n in own if type(record[n]) in (int, float)]
    words = [record[name] for name in own if type(record[name]) is str]
    return _shortened(", ".join((*record.get("labels", ()), *words, *plain)), 60)


def _shortened(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


_HEADLINES: Mapping[str, Callable[[Record], str]] = {
    "audio.embedding": _audio_embedding,
    "audio.fingerprint": _fingerprint,
    "audio.integrity": _integrity,
    "audio.key": _key,
    "audio.loudness": _loudness,
    "audio.music": _music,
    "audio.rhythm": _rhythm,
    "audio.scene": _scene,
    "audio.speech": _speech,
    "audio.speech_quality": _speech_quality,
    "audio.spoken_language": _spoken_language,
    "audio.transcript": _transcript,
    "content.explicit": _explicit,
    "text.embedding": _embedding,
    "text.language": _language,
    "text.pii": _pii,
    "text.quality": _quality,
    "text.safety": _safety,
    "text.sentiment": _sentiment,
    "text.topics": _topics,
}
