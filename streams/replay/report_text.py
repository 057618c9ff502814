"""The comparison of a replay with the live signals for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from earmark.streams.printable import printable
from earmark.streams.replay.compare import Standing
from earmark.streams.replay.diff_result import Diff, SignalDiff
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
    signed,
)

NUMBERS, LABELS, CHANGES = 8, 12, 2  # of a signal are shown; JSON and the page have all
_INDENT = (0, 0, 0, 2)


def diff_text(diff: Diff) -> Group:
    """A table of all signals, then what changed in each."""
    changed = [signal for signal in diff.signals if signal.changed.count]
    return Group(_summary(diff), *(part for signal in changed for part in _parts(signal)))


def _summary(diff: Diff) -> Table:
    table = _table("signal")
    for heading in ("pairs", "changed", "interval", "not compared", "only run", "only live"):
        table.add_column(heading, justify="right")
    table.add_column("configuration")
    for signal in diff.signals:
        only_live = signal.standings[Standing.ONLY_LIVE]
        share = f" ({percent(signal.changed.value)})" if signal.pairs else ""
        table.add_row(
            signal.signal,
            f"{signal.pairs:,}",
            f"{signal.changed.count:,}{share}",
            interval_words(signal.changed),
            f"{signal.not_comparable:,}",
            f"{signal.count(Standing.ONLY_RUN):,}",
            NOTHING if only_live is None else f"{only_live:,}",
            configuration(signal),
        )
    return table


def _parts(signal: SignalDiff) -> Iterator[RenderableType]:
    yield Text()
    yield Text(signal.signal, "bold")
    yield Padding(Text(sentence(signal)), _INDENT)
    for table in (*_outcomes(signal), *_labels(signal), *_numbers(signal), *_items(signal)):
        yield Padding(table, _INDENT)


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


def _labels(signal: SignalDiff) -> Iterator[Table]:
    flipped = [label for label in signal.labels if label.flips][:LABELS]
    if not flipped:
        return
    table = _table("label")
    for heading in ("live", "run", "lost", "gained", "p"):
        table.add_column(heading, justify="right")
    for it in flipped:
        table.add_row(
            _plain(it.label),
            f"{it.live:,}",
            f"{it.run:,}",
            share_words(it.lost),
            share_words(it.gained),
            p_words(it.p),
        )
    yield table


def _numbers(signal: SignalDiff) -> Iterator[Table]:
    moved = shifted_most(signal, NUMBERS)
    if not moved:
        return
    table = _table("number")
    for heading in ("live", "run", "difference", "interval", "shift", "beyond tolerance"):
        table.add_column(heading, justify="right")
    for it in moved:
        table.add_row(
            _plain(it.name),
            number(it.mean_live),
            number(it.mean_run),
            signed(it.mean_difference),
            difference_words(it.interval),
            signed(it.shift),
            percent(it.beyond.value),
        )
    yield table


def _items(signal: SignalDiff) -> Iterator[Table]:
    if not signal.most_changed:
        return
    table = _table("item")
    table.add_column("distance", justify="right")
    table.add_column("live → run")
    for item in signal.most_changed:
        said = [f"{it.field} {it.live} → {it.run}" for it in item.changes] or item.differences
        table.add_row(
            _plain(short_id(item.content_id)),
            f"{item.distance:.3f}",
            _plain("; ".join(said[:CHANGES])),
        )
    yield table


def _table(first: str) -> Table:
    return Table(first, box=None, pad_edge=False, title_justify="left")


def _plain(text: str) -> Text:
    # ids and words come from strangers: neither markup nor escapes may steer the terminal
    return Text(printable(text))
