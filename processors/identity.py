"""What makes two answers the same: digests of input and configuration, ids, a comparison.

All digests are lower-case hex. Structures are digested as JSON (ASCII, no spaces, sorted keys), so
that any language can make them again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any

import numpy as np

from earmark.processors.content import ContentEvent, Text
from earmark.processors.outcome import Signal
from earmark.processors.signal import Part, SignalSpec
from earmark.processors.threshold import Thresholds, shipped_thresholds

SIGNAL_ID_BYTES = 16
DIGESTS = 8  # of the last events, kept with what they were made of
_SEPARATOR = "\x1f"
_NUMBER = (int, float, np.number)
_PUNCTUATION = ".,;:!?\"'()[]-–—…¿¡"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKey:
    """What an answer was made of: equal keys, equal answers."""

    input_digest: str
    config_hash: str


def key_of(signal: Signal) -> AnswerKey:
    """What the signal was made of."""
    provenance = signal.provenance
    return AnswerKey(input_digest=provenance.input_digest, config_hash=provenance.config_hash)


IGNORED = {  # what may differ between two records that are the same
    ("replay_id",),
    ("provenance", "device"),
    ("provenance", "precision"),
    ("provenance", "pipeline_version"),
}


def signal_id(content_id: str, signal: str, major: int, input_digest: str, config_hash: str) -> str:
    """The name of an answer, 32 hex digits: same input and configuration, same id on every host.

    BLAKE2b-128 over the five parts in UTF-8, joined by 0x1F.
    """
    parts = _SEPARATOR.join((content_id, signal, str(major), input_digest, config_hash))
    return blake2b(parts.encode(), digest_size=SIGNAL_ID_BYTES).hexdigest()


def input_digest(spec: SignalSpec, event: ContentEvent, audio_sha256: str | None) -> str:
    """SHA-256 over exactly the parts of the event that the signal reads, 64 hex digits.

    That is a list with, for a signal that reads it, `["audio", sha256 of the media bytes or
    null]`, then `["texts", [[field, text], ...]]` in the event's order. For a signal that reads
    the declared language, each text is `[field, text, language]`, and `["language", language]`
    follows; for one that reads attributes, `["attributes", [[name, value or null]]]`; and for one
    that reads the event's regions, `["regions", [...]]`.
    """
    parts: list[tuple[str, Any]] = []
    if Part.AUDIO in spec.reads:
        parts.append(("audio", audio_sha256))
    if Part.TEXTS in spec.reads:
        parts.append(("texts", tuple(event.texts)))
    if spec.reads_language:
        parts.append(("language", event.language))
    if spec.reads_attributes:
        read = tuple((name, event.attributes.get(name)) for name in spec.reads_attributes)
        parts.append(("attributes", read))
    if spec.reads_regions:
        parts.append(("regions", tuple(event.regions)))
    return _digest_of(tuple(parts), with_languages=spec.reads_language)


def config_hash(
    spec: SignalSpec,
    *,
    thresholds: Thresholds,
    model_hashes: Mapping[str, str],
    needs_hashes: Mapping[str, str],
) -> str:
    """SHA-256 over all that decides the answer but the input, 64 hex digits.

    `model_hashes` holds, by name, the SHA-256 of each model (and the version of any other part
    that decides the numbers), `needs_hashes` the config hash of each signal in `needs`. The device,
    the batch and the worker have no part in it, nor has the version of the thresholds' file: the
    values decide.
    """
    return _digest(
        {
            "signal": spec.name,
            "major": spec.major,
            "preprocessing_version": spec.preprocessing_version,
            "method": spec.method,
            "taxonomy": spec.taxonomy,
            "models": dict(model_hashes),
            "thresholds": dict(thresholds.values),
            "needs": dict(needs_hashes),
        }
    )


def same(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    spec: SignalSpec,
    *,
    thresholds: Thresholds | None = None,
) -> list[str]:
    """Where two records of one signal differ, one line each; none: they are the same.

    All fields must agree but those in `IGNORED`. Fractions, and the float32 numbers in bytes, may
    differ by the tolerance of the spec, whole numbers by that which it states for their field. A
    text for which it states one is compared by word error rate, and so is a list of segments, by
    their texts together. A label or span may be missing where its score lies within the tolerance
    of its threshold (`<label>_probability`, else `default_probability`; `thresholds` are the
    shipped ones if not given).
    """
    comparison = _Comparison(
        spec=spec, thresholds=(thresholds or shipped_thresholds(spec.name)).values
    )
    return list(comparison.differences((), comparison.decided(a), comparison.decided(b)))


def word_error(reference: str, other: str) -> float:
    """Words to insert, delete or replace to get from one text to the other, per reference word.

    Upper case and punctuation at the ends of words do not count (Levenshtein distance).
    """
    wanted, given = _words(reference), _words(other)
    return _edits(wanted, given) / max(len(wanted), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    spec: SignalSpec
    thresholds: Mapping[str, float]

    def decided(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record without labels and spans that are a matter of rounding."""
        scores = record.get("scores", {})
        kept = {
            "labels": [x for x in record.get("labels", []) if self._is_decided(x, scores.get(x))],
            "spans": [
                x for x in record.get("spans", []) if self._is_decided(x.get("label"), x["score"])
            ],
        }
        return {**record, **{name: kept[name] for name in kept.keys() & record.keys()}}

    def differences(self, path: tuple[str, ...], a: Any, b: Any) -> Iterator[str]:
        """One line for each place at or below `path` where the values differ."""
        match a, b:
            case _ if path in IGNORED:
                return
            case Mapping(), Mapping():
                for name in sorted(a.keys() | b.keys()):
                    yield from self.differences((*path, name), a.get(name), b.get(name))
            case (list() | tuple(), list() | tuple()) if path[-1] not in self.spec.tolerances:
                if len(a) != len(b):
                    yield f"{'.'.join(path)}: {len(a)} entries against {len(b)}"
                for i, (x, y) in enumerate(zip(a, b, strict=False)):
                    yield from self.differences((*path, str(i)), x, y)
            case _ if not self._agree(path, a, b):
                yield f"{'.'.join(path)}: {a!r:.80} against {b!r:.80}"

    def _agree(self, path: tuple[str, ...], a: Any, b: Any) -> bool:
        stated = self._stated(path)
        if isinstance(a, bool) or isinstance(b, bool):
            return bool(a == b)
        if isinstance(a, _NUMBER) and isinstance(b, _NUMBER):
            whole = isinstance(a, int) and isinstance(b, int)
            default = 0 if whole else self.spec.tolerance
            return bool(a == b) or abs(float(a) - float(b)) <= (
                default if stated is None else stated
            )
        if isinstance(a, bytes) and isinstance(b, bytes):
            return a == b or _vectors_agree(a, b, self.spec.tolerance if stated is None else stated)
        if stated is not None and isinstance(a, type(b)) and a is not None:
            return word_error(_said(a), _said(b)) <= stated
        return bool(a == b)

    def _stated(self, path: Sequence[str]) -> float | None:
        """The tolerance that the spec states for the innermost field of the path."""
        stated = (
            self.spec.tolerances[name] for name in reversed(path) if name in self.spec.tolerances
        )
        return next(stated, None)

    def _is_decided(self, label: str | None, score: float | None) -> bool:
        default = self.thresholds.get("default_probability")
        threshold = self.thresholds.get(f"{label}_probability", default)
        if threshold is None or score is None:
            return True
        return abs(score - threshold) > self.spec.tolerances.get("scores", self.spec.tolerance)


def _edits(wanted: Sequence[str], given: Sequence[str]) -> int:
    """Levenshtein distance of two lists of words.

    Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances": one
    bit per wanted word, so that hours of speech take milliseconds. `up` and `down` hold where the
    distance rises and falls from one wanted word to the next.
    """
    if not wanted or not given:
        return len(wanted) or len(given)
    places: dict[str, int] = {}
    for at, word in enumerate(wanted):
        places[word] = places.get(word, 0) | 1 << at
    every, last, edits = (1 << len(wanted)) - 1, 1 << (len(wanted) - 1), len(wanted)
    up, down = every, 0
    for word in given:
        found = places.get(word, 0)
        across = (((found & up) + up) ^ up) | found
        rises, falls = down | ~(across | up) & every, up & across
        edits += bool(rises & last) - bool(falls & last)
        rises, falls, stays = rises << 1 | 1, falls << 1, found | down
        up, down = (falls | ~(stays | rises)) & every, rises & stays & every
    return edits


def _said(value: Any) -> str:
    """A text, or the texts of a list of segments."""
    return value if isinstance(value, str) else " ".join(segment["text"] for segment in value)


def _words(text: str) -> list[str]:
    words = (word.strip(_PUNCTUATION) for word in text.casefold().split())
    return [word for word in words if word]


def _vectors_agree(a: bytes, b: bytes, tolerance: float) -> bool:
    if len(a) != len(b) or len(a) % np.dtype("<f4").itemsize:
        return False
    return bool(np.allclose(np.frombuffer(a, "<f4"), np.frombuffer(b, "<f4"), 0, tolerance))


@lru_cache(DIGESTS)
def _digest_of(parts: tuple[tuple[str, Any], ...], *, with_languages: bool) -> str:
    """Signals that read the same of an event come one after the other."""
    shown = [
        (name, list(_texts(value, with_languages))) if name == "texts" else (name, value)
        for name, value in parts
    ]
    return _digest(shown)


def _texts(texts: Iterable[Text], with_languages: bool) -> Iterable[list[str | None]]:
    for text in texts:
        yield [text.field, text.text, *([text.language] if with_languages else [])]


def _digest(value: object) -> str:
    # ASCII, so that a text which is no Unicode (lone surrogates) has a digest too
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
