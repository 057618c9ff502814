"""What changed between two answers, in short, and how far apart they are.

The distance, by which items are ranked, is the sum of

    1 if outcome or reason differ,
    the number of labels that only one side has, and
    the largest change of a number, text or vector that both sides have, between 0 and 1:
        number   |live - run| / max(1, |live|, |run|)
        text     word error, the live text being the reference
        vector   cosine distance

so that its whole part counts decisions and its fraction says how far the values have moved. What
lies within the signal's stated tolerance has not changed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earmark.processors.signal import SignalSpec
from earmark.streams.printable import printable
from earmark.streams.replay.compare import Pair, Side
from earmark.streams.replay.compare_features import DEFAULT_LABELS, stated_tolerance

EXCERPT = 80  # code points of anything that content can hold
NONE = "none"
_REASON = "reason="  # told with the outcome
_NOISE = 1e-6  # of a cosine distance
_BEFORE = 3  # words that an excerpt shows before the first that differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed in one field, in short; `size` is its part in the distance."""

    field: str
    live: str
    run: str
    size: float


def changes(pair: Pair, spec: SignalSpec) -> list[Change]:
    """What changed: decisions first, then values, the largest changes first."""
    values = sorted(_values(pair, spec), key=lambda change: (-change.size, change.field))
    return [*_decisions(pair), *values]


def distance(pair: Pair, spec: SignalSpec) -> float:
    """How far apart the two answers are; see the module."""
    decisions = sum(change.size for change in _decisions(pair))
    return decisions + max((change.size for change in _values(pair, spec)), default=0.0)


def plain(text: object) -> str:
    """At most `EXCERPT` code points in one line, nothing in it that could steer a terminal."""
    line = printable(" ".join(str(text)[: 10 * EXCERPT].split()))
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _decisions(pair: Pair) -> Iterator[Change]:
    live, run = pair.live, pair.run
    if (before := _outcome(live)) != (after := _outcome(run)):
        yield Change(field="outcome", live=plain(before), run=plain(after), size=1)
    lost = _by_field(live.features.labels - run.features.labels)
    gained = _by_field(run.features.labels - live.features.labels)
    fields = lost.keys() | gained.keys()
    for field in sorted(fields, key=lambda field: (field != DEFAULT_LABELS, field)):
        yield Change(
            field=plain(field),
            live=plain(", ".join(lost[field]) or NONE),
            run=plain(", ".join(gained[field]) or NONE),
            size=len(lost[field]) + len(gained[field]),
        )


def _outcome(side: Side) -> str:
    return f"{side.outcome} {side.record['reason'] or ''}".strip()


def _by_field(labels: frozenset[str]) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(label for label in labels if not label.startswith(_REASON)):
        field, _, word = label.rpartition("=")
        found[field or DEFAULT_LABELS].append(word)
    return found


def _values(pair: Pair, spec: SignalSpec) -> Iterator[Change]:
    yield from _numbers(pair, spec)
    live, run = pair.live.features.texts, pair.run.features.texts
    for name, error in pair.word_errors.items():
        if error > spec.tolerances[name.rpartition(".")[2]]:
            a, b = _excerpts(live[name], run[name])
            yield Change(field=plain(name), live=a, run=b, size=min(1.0, error))
    for name, apart in pair.cosine_distances.items():
        if apart > _NOISE:
            turned = f"cosine {1 - apart:.4f}"
            yield Change(field=plain(name), live="", run=turned, size=min(1.0, apart))


def _numbers(pair: Pair, spec: SignalSpec) -> Iterator[Change]:
    live, run = pair.live.features.numbers, pair.run.features.numbers
    for name in live.keys() | run.keys():
        a, b = live.get(name), run.get(name)
        if a is None or b is None:
            yield Change(field=plain(name), live=_number(a), run=_number(b), size=0)
            continue
        whole = isinstance(a, int) and isinstance(b, int)
        if abs(a - b) > stated_tolerance(spec, name, whole=whole):
            size = min(1.0, abs(a - b) / max(1.0, abs(a), abs(b)))
            yield Change(field=plain(name), live=_number(a), run=_number(b), size=size)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.6g}"


def _excerpts(live: str, run: str) -> tuple[str, str]:
    """Both texts from a little before the first word that differs."""
    one, other = live.split(), run.split()
    pairs = zip(one, other, strict=False)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    return _from(one, at - _BEFORE), _from(other, at - _BEFORE)


def _from(words: Sequence[str], start: int) -> str:
    text = plain(" ".join(words[max(0, start) :][:EXCERPT]))
    return f"…{text}" if start > 0 else text or NONE
