"""Compares a run's answer about an item with the live one: whether it is the same, and how not."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from earmark.processors.identity import same, word_error
from earmark.processors.outcome import OutcomeKind
from earmark.processors.signal import SignalSpec
from earmark.streams.replay.compare_features import Features, Record, features, said

WORD_ERROR, COSINE_DISTANCE = "word error", "cosine distance"
_FLOAT = np.dtype("<f4")


class Standing(StrEnum):
    """How the run's answer about an item stands to the live one."""

    SAME = "SAME"  # within the signal's stated tolerance
    CHANGED = "CHANGED"
    INPUT_DIFFERS = "INPUT_DIFFERS"  # the answers are about different content
    LIVE_NEWER = "LIVE_NEWER"  # likewise, and the live one is about a later revision
    ONLY_RUN = "ONLY_RUN"  # there is no live answer
    ONLY_LIVE = "ONLY_LIVE"  # the run answered other signals of the item, not this one
    DELETED = "DELETED"  # the run's last word is a deletion
    UNDECODABLE = "UNDECODABLE"  # a record that cannot be read, on either side


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One answer of a pair, whole and taken apart."""

    record: Record
    features: Features

    @property
    def outcome(self) -> str:
        """What became of it."""
        return str(self.record["outcome"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two answers about the same content; `differences` are empty where they are the same.

    `gaps` are by text (word error, the live text being the reference) and by vector (cosine
    distance), as far as both sides have it.
    """

    live: Side
    run: Side
    differences: Sequence[str]
    word_errors: Mapping[str, float]
    cosine_distances: Mapping[str, float]

    @property
    def standing(self) -> Standing:
        """SAME or CHANGED."""
        return Standing.CHANGED if self.differences else Standing.SAME

    @property
    def gaps(self) -> Iterator[tuple[str, float]]:
        """The largest word error and the largest cosine distance, as far as there is one."""
        for kind, found in (
            (WORD_ERROR, self.word_errors),
            (COSINE_DISTANCE, self.cosine_distances),
        ):
            if found:
                yield kind, max(found.values())


def incomparable(live: Record, run: Record) -> Standing | None:
    """Why the two are not about the same content; None where they are.

    Of audio that could not be read there is no digest: where one side failed on the very event
    that the other answered, they are compared.
    """
    if live["provenance"]["input_digest"] == run["provenance"]["input_digest"]:
        return None
    is_one_event = (live["event_id"], live["revision"]) == (run["event_id"], run["revision"])
    if is_one_event and OutcomeKind.ERROR in {live["outcome"], run["outcome"]}:
        return None
    is_newer = live["revision"] > run["revision"]
    return Standing.LIVE_NEWER if is_newer else Standing.INPUT_DIFFERS


def compare(live: Record, run: Record, spec: SignalSpec) -> Pair:
    """The pair of two comparable answers.

    They are the same where what they say is, by `earmark.processors.identity.same`: the envelope,
    which names model and event, has no part in it.
    """
    one, other = said(live, spec.topic), said(run, spec.topic)
    # what is equal needs no second look, but labels are judged by their scores
    kept = [name for name in one if name == "scores" or one[name] != other[name]]
    differences = same(
        {name: one[name] for name in kept}, {name: other[name] for name in kept}, spec
    )
    a, b = features(one, spec), features(other, spec)
    return Pair(
        live=Side(record=live, features=a),
        run=Side(record=run, features=b),
        differences=differences,
        word_errors={
            name: word_error(text, b.texts[name]) if text != b.texts[name] else 0.0
            for name, text in a.texts.items()
            if name in b.texts
        },
        cosine_distances=_cosine_distances(a.vectors, b.vectors),
    )


def _cosine_distances(a: Mapping[str, bytes], b: Mapping[str, bytes]) -> dict[str, float]:
    """Of the vectors that both have in the same length; 0 for the same direction, at most 2."""
    both = {name: (vector, b[name]) for name, vector in a.items() if name in b}
    distances = {
        name: 0.0 if x == y else 1 - _cosine(x, y)
        for name, (x, y) in both.items()
        if len(x) == len(y) and len(x) % _FLOAT.itemsize == 0
    }
    return {name: value for name, value in distances.items() if math.isfinite(value)}


def _cosine(a: bytes, b: bytes) -> float:
    x, y = (np.frombuffer(vector, _FLOAT).astype(np.float64) for vector in (a, b))
    with np.errstate(over="ignore", invalid="ignore"):  # a vector may hold anything
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        return float(x @ y) / lengths if lengths else math.nan
