"""The few numbers of a signal that matter, in one short line for tables and terminals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def headline(name: str, record: Record) -> str:
    """What the record says, short enough for a table's cell; the reason where it does not say."""
    if record["outcome"] != "OK":
        return str(record.get("reason") or "")
    write = _HEADLINES.get(name)
    return write(record) if write else ""


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
        if share >= 0.01  # noqa: PLR2004  # below one per cent it is not worth the space
    ]
    if record["decode_errors"]:
        notes.append(f"{record['decode_errors']} decode errors")
    if record["truncated"]:
        notes.append("truncated")
    return ", ".join((line, *notes))


def _loudness(record: Record) -> str:
    return f"{record['integrated_lufs']:.1f} LUFS, peak {record['true_peak_dbtp']:.1f} dBTP"


def _speech(record: Record) -> str:
    return f"{record['speech_share']:.0%} speech in {len(record['segments'])} segments"


def _scene(record: Record) -> str:
    shares = {name: record[f"{name}_share"] for name in ("speech", "music", "noise", "silence")}
    return ", ".join(f"{share:.0%} {name}" for name, share in shares.items() if share) or "nothing"


def _spoken_language(record: Record) -> str:
    kind = "English" if record["is_english"] else "not English"
    return f"{kind} ({record['english_probability']:.2f})"


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


def _shortened(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


_HEADLINES: Mapping[str, Callable[[Record], str]] = {
    "audio.integrity": _integrity,
    "audio.loudness": _loudness,
    "audio.scene": _scene,
    "audio.speech": _speech,
    "audio.spoken_language": _spoken_language,
    "audio.transcript": _transcript,
    "text.language": _language,
    "text.safety": _safety,
    "text.embedding": _embedding,
}
