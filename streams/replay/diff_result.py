"""What a comparison of a replay with the live signals found, ready for tables, JSON and pages."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from earmark.streams.replay.compare import Standing
from earmark.streams.replay.compare_change import Change
from earmark.streams.report.statistic import Histogram, Interval, Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """How many pairs have this outcome live and that one in the run."""

    live: str
    run: str
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A model under a configuration, and how many answers of the pairs it made."""

    model_name: str
    model_version: str
    config_hash: str
    thresholds_version: str | None
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDiff:
    """One label on both sides: on how many pairs it stands, and where it came or went.

    `p` is that of McNemar's exact test, not corrected for the number of labels.
    """

    label: str
    live: int
    run: int
    gained: Share
    lost: Share
    p: float

    @property
    def flips(self) -> int:
        """The pairs on which the label came or went."""
        return self.gained.count + self.lost.count


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDiff:
    """One number on both sides, over the `pairs` in which both have it; run minus live.

    `interval` is that of the mean difference; `shift` is in standard deviations, None where
    neither side varies. `beyond` are the pairs that differ by more than the tolerance; `appeared`
    and `vanished` count those in which only the run, or only the live side, has the number.
    The histograms are None where there
    is nothing to show: no such pair, or no difference.
    """

    name: str
    pairs: int
    mean_live: float | None
    mean_run: float | None
    mean_difference: float | None
    interval: Interval | None
    shift: float | None
    tolerance: float
    beyond: Share
    appeared: int
    vanished: int
    live: Histogram | None
    run: Histogram | None
    differences: Histogram | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GapDiff:
    """How far apart the texts or vectors of the pairs are; of an item, the largest gap counts.

    `kind` is `word error` or `cosine distance`; `interval` is that of the mean.
    """

    kind: str
    pairs: int
    mean: float
    interval: Interval | None
    median: float
    p95: float
    largest: float
    histogram: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedItem:
    """An item whose answer changed; `distance` as `compare_change` defines it.

    `differences` are the first lines of what `earmark.processors.identity.same` found.
    """

    content_id: str
    revision: int
    distance: float
    changes: tuple[Change, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDiff:
    """The comparison of one signal; `standings` counts the items of the run.

    ONLY_LIVE is None where it cannot be known: one signal alone does not say what else the run
    answered. `same_configuration` counts the pairs whose config hashes agree. Of a signal
    with very many different labels or numbers the first are told apart; `left_out` counts how often
    others were met.
    """

    signal: str
    topic: str
    standings: Mapping[Standing, int | None]
    same_configuration: int
    outcomes: tuple[Transition, ...]
    live_makers: tuple[Maker, ...]
    run_makers: tuple[Maker, ...]
    labels: tuple[LabelDiff, ...]
    numbers: tuple[NumberDiff, ...]
    gaps: tuple[GapDiff, ...]
    left_out: int
    most_changed: tuple[ChangedItem, ...]

    def count(self, *standings: Standing) -> int:
        """The items that stand so."""
        return sum(self.standings.get(standing) or 0 for standing in standings)

    @property
    def pairs(self) -> int:
        """The items that could be compared."""
        return self.count(Standing.SAME, Standing.CHANGED)

    @property
    def changed(self) -> Share:
        """The share of the pairs that changed."""
        return Share.counted(self.count(Standing.CHANGED), self.pairs)

    @property
    def not_comparable(self) -> int:
        """The items with two answers that are not about the same content, or cannot be read."""
        return self.count(Standing.INPUT_DIFFERS, Standing.LIVE_NEWER, Standing.UNDECODABLE)

    @property
    def as_object(self) -> dict[str, object]:
        """Everything, for JSON."""
        told = asdict(self)
        told["standings"] = {str(name): count for name, count in self.standings.items()}
        counts = {"pairs": self.pairs, "changed": asdict(self.changed)}
        return {"signal": told.pop("signal"), "topic": told.pop("topic"), **counts, **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A run against the live signals, signal by signal."""

    run: str
    signals: tuple[SignalDiff, ...]

    @property
    def as_object(self) -> dict[str, object]:
        """Everything, for JSON."""
        return {"run": self.run, "signals": [signal.as_object for signal in self.signals]}
