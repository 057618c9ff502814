"""Adds up the comparisons of one signal, pair by pair.

Held are two doubles per pair and number, and one per pair and text or vector: a million items of
the signal with the most numbers, `audio.integrity`, are about 200 MB.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from typing import TypeVar

import numpy as np

from earmark.processors.signal import SignalSpec
from earmark.streams.replay.compare import Pair, Side, Standing
from earmark.streams.replay.compare_change import changes, distance, plain
from earmark.streams.replay.compare_features import stated_tolerance
from earmark.streams.replay.diff_result import (
    ChangedItem,
    GapDiff,
    LabelDiff,
    Maker,
    NumberDiff,
    SignalDiff,
    Transition,
)
from earmark.streams.report.statistic import (
    Share,
    Values,
    centred_histogram,
    histograms,
    mcnemar,
    mean_interval,
    standardized_shift,
)

NUMBERS, LABELS, MAKERS, OUTCOMES = 100, 200, 50, 50  # most that are told apart in one signal
CHANGES = 4  # shown of an item
DIFFERENCES = 3  # likewise

_Rank = tuple[float, int]  # of an item: its distance, then how late it came, negative
_Maker = tuple[str, str, str, str | None]  # the first fields of `Maker`
_Key = TypeVar("_Key")
_Place = TypeVar("_Place")


@dataclass(slots=True)
class _Number:
    live: "array[float]" = field(default_factory=lambda: array("d"))
    run: "array[float]" = field(default_factory=lambda: array("d"))
    is_whole: bool = True
    appeared: int = 0
    vanished: int = 0

    def add(self, live: float | None, run: float | None) -> None:
        """One more pair, in which one side may lack the number."""
        if live is None or run is None:
            self.appeared += live is None
            self.vanished += run is None
            return
        self.live.append(live)
        self.run.append(run)
        self.is_whole = self.is_whole and isinstance(live, int) and isinstance(run, int)


@dataclass(slots=True)
class _Label:
    live: int = 0
    run: int = 0
    gained: int = 0
    lost: int = 0

    def add(self, *, is_live: bool, is_run: bool) -> None:
        """One more pair."""
        self.live += is_live
        self.run += is_run
        self.gained += is_run > is_live
        self.lost += is_live > is_run


class SignalTally:
    """The comparisons of one signal; of the changed items it keeps the `most` distant."""

    def __init__(self, spec: SignalSpec, *, most: int) -> None:
        self._spec = spec
        self._most = most
        self._standings: Counter[Standing] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._live_makers: Counter[_Maker] = Counter()
        self._run_makers: Counter[_Maker] = Counter()
        self._same_configuration = 0
        self._numbers: dict[str, _Number] = {}
        self._labels: dict[str, _Label] = {}
        self._gaps: dict[str, array[float]] = {}
        self._left_out = 0
        self._changed: list[tuple[_Rank, ChangedItem]] = []

    @property
    def pairs(self) -> int:
        """The pairs so far."""
        return self._standings[Standing.SAME] + self._standings[Standing.CHANGED]

    def count(self, standing: Standing) -> None:
        """One more item that has no pair."""
        self._standings[standing] += 1

    def add(self, content_id: str, pair: Pair) -> None:
        """One more pair."""
        live, run = pair.live, pair.run
        self._standings[pair.standing] += 1
        self._tell(self._outcomes, (live.outcome, run.outcome), OUTCOMES)
        self._tell(self._live_makers, _maker(live), MAKERS)
        self._tell(self._run_makers, _maker(run), MAKERS)
        self._same_configuration += _config_hash(live) == _config_hash(run)
        self._add_numbers(live.features.numbers, run.features.numbers)
        self._add_labels(live.features.labels, run.features.labels)
        for kind, gap in pair.gaps:
            self._gaps.setdefault(kind, array("d")).append(gap)
        if pair.standing is Standing.CHANGED:
            self._rank(content_id, pair)

    def diff(self, *, knows_only_live: bool) -> SignalDiff:
        """All of it; `knows_only_live` says whether ONLY_LIVE could be counted."""
        standings: dict[Standing, int | None] = {each: self._standings[each] for each in Standing}
        if not knows_only_live:
            standings[Standing.ONLY_LIVE] = None
        return SignalDiff(
            signal=self._spec.name,
            topic=self._spec.topic,
            standings=standings,
            same_configuration=self._same_configuration,
            outcomes=tuple(
                Transition(live=plain(live), run=plain(run), pairs=count)
                for (live, run), count in sorted(self._outcomes.items())
            ),
            live_makers=_makers(self._live_makers),
            run_makers=_makers(self._run_makers),
            labels=tuple(sorted(self._label_diffs(), key=lambda it: (-it.flips, it.label))),
            numbers=tuple(self._number_diff(name) for name in sorted(self._numbers)),
            gaps=tuple(self._gap_diff(kind) for kind in sorted(self._gaps)),
            left_out=self._left_out,
            most_changed=tuple(item for _, item in sorted(self._changed, reverse=True)),
        )

    def _add_numbers(self, live: Mapping[str, float], run: Mapping[str, float]) -> None:
        for name in sorted(live.keys() | run.keys()):
            found = self._place(self._numbers, name, _Number, NUMBERS)
            if found is not None:
                found.add(live.get(name), run.get(name))

    def _add_labels(self, live: frozenset[str], run: frozenset[str]) -> None:
        for label in sorted(live | run):
            found = self._place(self._labels, label, _Label, LABELS)
            if found is not None:
                found.add(is_live=label in live, is_run=label in run)

    def _rank(self, content_id: str, pair: Pair) -> None:
        # of equally distant items the first stay
        rank = (distance(pair, self._spec), -self._standings[Standing.CHANGED])
        if len(self._changed) < self._most:
            heappush(self._changed, (rank, self._item(content_id, pair, rank)))
        elif self._changed and rank > self._changed[0][0]:
            heapreplace(self._changed, (rank, self._item(content_id, pair, rank)))

    def _item(self, content_id: str, pair: Pair, rank: _Rank) -> ChangedItem:
        return ChangedItem(
            content_id=content_id,
            revision=pair.run.record["revision"],
            distance=rank[0],
            changes=tuple(changes(pair, self._spec)[:CHANGES]),
            differences=tuple(plain(line) for line in pair.differences[:DIFFERENCES]),
        )

    def _label_diffs(self) -> Iterator[LabelDiff]:
        for label, found in self._labels.items():
            yield LabelDiff(
                label=plain(label),
                live=found.live,
                run=found.run,
                gained=Share.counted(found.gained, self.pairs),
                lost=Share.counted(found.lost, self.pairs),
                p=mcnemar(found.gained, found.lost),
            )

    def _number_diff(self, name: str) -> NumberDiff:
        found = self._numbers[name]
        live, run = np.array(found.live), np.array(found.run)
        differences = run - live
        tolerance = stated_tolerance(self._spec, name, whole=found.is_whole and bool(found.live))
        live_histogram, run_histogram = histograms(live, run) or (None, None)
        return NumberDiff(
            name=plain(name),
            pairs=len(live),
            mean_live=_mean(live),
            mean_run=_mean(run),
            mean_difference=_mean(differences),
            interval=mean_interval(differences, name=f"{self._spec.name} {name}"),
            shift=standardized_shift(live, run),
            tolerance=tolerance,
            beyond=Share.counted(int(np.sum(np.abs(differences) > tolerance)), len(live)),
            appeared=found.appeared,
            vanished=found.vanished,
            live=live_histogram,
            run=run_histogram,
            differences=centred_histogram(differences),
        )

    def _gap_diff(self, kind: str) -> GapDiff:
        gaps = np.array(self._gaps[kind])
        (histogram,) = histograms(gaps)
        median, p95 = np.quantile(gaps, [0.5, 0.95]).tolist()
        return GapDiff(
            kind=kind,
            pairs=len(gaps),
            mean=float(gaps.mean()),
            interval=mean_interval(gaps, name=f"{self._spec.name} {kind}"),
            median=median,
            p95=p95,
            largest=float(gaps.max()),
            histogram=histogram,
        )

    def _tell(self, counter: Counter[_Key], key: _Key, most: int) -> None:
        if key in counter or len(counter) < most:
            counter[key] += 1
        else:
            self._left_out += 1

    def _place(
        self, places: dict[str, _Place], name: str, make: type[_Place], most: int
    ) -> _Place | None:
        if name not in places:
            if len(places) >= most:
                self._left_out += 1
                return None
            places[name] = make()
        return places[name]


def _mean(values_N: Values) -> float | None:
    return float(values_N.mean()) if len(values_N) else None


def _config_hash(side: Side) -> str:
    return str(side.record["provenance"]["config_hash"])


def _maker(side: Side) -> _Maker:
    made = side.record["provenance"]
    return (
        made["model_name"],
        made["model_version"],
        made["config_hash"],
        made["thresholds_version"],
    )


def _makers(counted: Counter[_Maker]) -> tuple[Maker, ...]:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0][:3]))
    return tuple(
        Maker(
            model_name=plain(name),
            model_version=plain(version),
            config_hash=plain(config_hash),
            thresholds_version=thresholds and plain(thresholds),
            answers=count,
        )
        for (name, version, config_hash, thresholds), count in ranked
    )
