"""The comparison of a replay with the live signals for a terminal."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from earmark.streams.fitting import INDENT, Fitting, last_below, plain_table
from earmark.streams.printable import printable
from earmark.streams.replay.compare import Standing
from earmark.streams.replay.diff_result import ChangedItem, Diff, LabelDiff, NumberDiff, SignalDiff
from earmark.streams.replay.report_words import (
    NOTHING,
    configuration,
    difference_words,
    interval_words,
    number,
    p_words,
    percent,
    sentence,
    share_words,
    shifted_most,
    short_hash,
    short_id,
    short_share,
    signed,
)
from earmark.streams.report.statistic import Share

NUMBERS, LABELS, CHANGES = 8, 12, 2  # of a signal are shown; JSON and the page have all


def diff_text(diff: Diff) -> Group:
    """A table of all signals, then what changed in each."""
    changed = [signal for signal in diff.signals if signal.changed.count]
    return Group(_summary(diff), *(part for signal in changed for part in _parts(signal)))


def _summary(diff: Diff) -> Fitting:
    """A line for each signal; where it is narrow without intervals, which stand below."""
    return Fitting(_signals(diff, has_intervals=True), _signals(diff, has_intervals=False))


def _signals(diff: Diff, *, has_intervals: bool) -> Table:
    headings = ["pairs", "changed", "interval", "not\ncompared", "only\nrun", "only\nlive"]
    rows = [_signal_row(signal) for signal in diff.signals]
    if not has_intervals:
        rows = [(*row[:3], *row[4:]) for row in rows]
        headings.remove("interval")
    return _table("signal", headings, rows, last="config")


def _signal_row(signal: SignalDiff) -> tuple[str, ...]:
    only_live = signal.standings[Standing.ONLY_LIVE]
    share = f" ({percent(signal.changed.value)})" if signal.pairs else ""
    return (
        signal.signal,
        f"{signal.pairs:,}",
        f"{signal.changed.count:,}{share}",
        interval_words(signal.changed),
        f"{signal.not_comparable:,}",
        f"{signal.count(Standing.ONLY_RUN):,}",
        NOTHING if only_live is None else f"{only_live:,}",
        configuration(signal),
    )


def _parts(signal: SignalDiff) -> Iterator[RenderableType]:
    yield Text()
    yield Text(signal.signal, "bold")
    yield Padding(Text(sentence(signal)), INDENT)
    for table in (*_outcomes(signal), *_labels(signal), *_numbers(signal), *_items(signal)):
        yield Padding(table, INDENT)


def _outcomes(signal: SignalDiff) -> Iterator[RenderableType]:
    for side, makers in (("live", signal.live_makers), ("run", signal.run_makers)):
        for it in makers:
            model = (
                f"{it.model_name} {it.model_version}, configuration {short_hash(it.config_hash)}"
            )
            yield _plain(f"{side}: {model}, {it.answers:,} answers")
    for outcome in signal.outcomes:
        if outcome.live != outcome.run:
            yield _plain(f"{outcome.live} → {outcome.run}: {outcome.pairs:,}")
    for gap in signal.gaps:
        yield _plain(
            f"{gap.kind}: mean {number(gap.mean)}, median {number(gap.median)},"
            f" 95th percentile {number(gap.p95)}, largest {number(gap.largest)}"
        )


def _labels(signal: SignalDiff) -> Iterator[RenderableType]:
    flipped = [label for label in signal.labels if label.flips][:LABELS]
    if flipped:
        headings = ("live", "run", "lost", "gained", "p")
        shown = [
            _table("label", headings, [_label_row(it, share) for it in flipped])
            for share in (share_words, short_share)
        ]
        yield Fitting(*shown)


def _label_row(it: LabelDiff, share: Callable[[Share], str]) -> tuple[str, ...]:
    lost, gained = share(it.lost), share(it.gained)
    return printable(it.label), f"{it.live:,}", f"{it.run:,}", lost, gained, p_words(it.p)


def _numbers(signal: SignalDiff) -> Iterator[RenderableType]:
    moved = shifted_most(signal, NUMBERS)
    if not moved:
        return
    headings = ["live", "run", "difference", "interval", "shift", "beyond\ntolerance"]
    rows = [_number_row(it) for it in moved]
    whole = _table("number", headings, rows)
    headings.remove("interval")
    yield Fitting(whole, _table("number", headings, [(*row[:4], *row[5:]) for row in rows]))


def _number_row(it: NumberDiff) -> tuple[str, ...]:
    return (
        printable(it.name),
        number(it.mean_live),
        number(it.mean_run),
        signed(it.mean_difference),
        difference_words(it.interval),
        signed(it.shift),
        percent(it.beyond.value),
    )


def _items(signal: SignalDiff) -> Iterator[RenderableType]:
    if signal.most_changed:
        rows = [_item_row(item) for item in signal.most_changed]
        columns = [Column("item", no_wrap=True), Column("distance", justify="right")]
        yield last_below(columns, Column("live → run"), rows)


def _item_row(item: ChangedItem) -> tuple[tuple[str, str], str]:
    said = [f"{it.field} {it.live} → {it.run}" for it in item.changes] or item.differences
    cells = (printable(short_id(item.content_id)), f"{item.distance:.3f}")
    return cells, printable("; ".join(said[:CHANGES]))


def _table(
    first: str, numbers: Iterable[str], rows: Iterable[Sequence[str]], *, last: str = ""
) -> Table:
    """A table of names and numbers, none of which is broken."""
    columns = [
        Column(first, no_wrap=True),
        *(Column(it, justify="right", no_wrap=True) for it in numbers),
        *([Column(last, no_wrap=True)] if last else ()),
    ]
    return plain_table(columns, rows)


def _plain(text: str) -> Text:
    # ids and words come from strangers: neither markup nor escapes may steer the terminal
    return Text(printable(text))
