"""The comparison of a replay with the live signals as one HTML page."""

from collections.abc import Iterator, Sequence

from earmark.processors.quantity import quantity
from earmark.streams.replay.compare import Standing
from earmark.streams.replay.diff_result import (
    ChangedItem,
    Diff,
    GapDiff,
    LabelDiff,
    Maker,
    NumberDiff,
    SignalDiff,
)
from earmark.streams.replay.report_words import (
    MEANINGS,
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
from earmark.streams.report.page import (
    Column,
    Html,
    element,
    figure,
    figures,
    heat_table,
    joined,
    link,
    page,
    section,
    table,
    terms,
)
from earmark.streams.report.plot import (
    change_bars,
    difference_histogram,
    histogram,
    paired_histogram,
)

DRAWN_NUMBERS = 8  # of a signal have plots: those that shifted most
DRAWN_LABELS = 25

_KEY = element(
    "p",
    element("span", element("i", class_="before"), "live"),
    element("span", element("i", class_="after"), "run"),
    class_="key",
)


def diff_page(diff: Diff) -> str:
    """The page; the same comparison gives the same bytes."""
    return page(
        f"Replay {diff.run} against live",
        element("h1", f"Replay {diff.run} against live"),
        element("p", _lede(diff)),
        table(_SUMMARY, (_summary_row(signal) for signal in diff.signals)),
        *(_section(signal) for signal in diff.signals),
        element("footer", element("h3", "What the words mean"), terms(MEANINGS)),
    )


def _lede(diff: Diff) -> str:
    pairs = sum(signal.pairs for signal in diff.signals)
    changed = sum(signal.changed.count for signal in diff.signals)
    signals = quantity(len(diff.signals), "signal")
    return f"{changed:,} of {pairs:,} answers of {signals} changed."


_SUMMARY = (
    Column(heading="signal"),
    Column(heading="pairs", is_number=True),
    Column(heading="changed", is_number=True),
    Column(heading="share", is_number=True),
    Column(heading="interval", is_number=True),
    Column(heading="not compared", is_number=True),
    Column(heading="only run", is_number=True),
    Column(heading="only live", is_number=True),
    Column(heading="configuration"),
)


def _summary_row(signal: SignalDiff) -> Sequence[object]:
    only_live = signal.standings[Standing.ONLY_LIVE]
    return (
        link(signal.signal, signal.signal),
        f"{signal.pairs:,}",
        f"{signal.changed.count:,}",
        percent(signal.changed.value),
        interval_words(signal.changed),
        f"{signal.not_comparable:,}",
        f"{signal.count(Standing.ONLY_RUN):,}",
        NOTHING if only_live is None else f"{only_live:,}",
        configuration(signal),
    )


def _section(signal: SignalDiff) -> Html:
    parts = [element("p", sentence(signal))]
    if signal.pairs:
        parts += [
            _makers(signal),
            *_outcomes(signal),
            *_labels(signal),
            *_numbers(signal),
            *_gaps(signal),
            *_items(signal),
        ]
    return section(signal.signal, *parts, anchor=signal.signal)


def _makers(signal: SignalDiff) -> Html:
    columns = (
        Column(heading="side"),
        Column(heading="model"),
        Column(heading="configuration"),
        Column(heading="thresholds"),
        Column(heading="answers", is_number=True),
    )
    sides = (("live", signal.live_makers), ("run", signal.run_makers))
    rows = (_maker_row(side, maker) for side, makers in sides for maker in makers)
    return table(columns, rows)


def _maker_row(side: str, maker: Maker) -> Sequence[object]:
    return (
        element("span", side, class_="before" if side == "live" else "after"),
        f"{maker.model_name} {maker.model_version}",
        element("code", short_hash(maker.config_hash)),
        maker.thresholds_version or NOTHING,
        f"{maker.answers:,}",
    )


def _outcomes(signal: SignalDiff) -> Iterator[Html]:
    live = sorted({it.live for it in signal.outcomes})
    run = sorted({it.run for it in signal.outcomes})
    yield element("h3", "Outcomes")
    if live == run and len(live) == 1:
        yield element("p", f"{live[0]} on both sides, for all.")
        return
    counts = {(it.live, it.run): it.pairs for it in signal.outcomes}
    names = sorted({*live, *run})
    rows = [[counts.get((a, b), 0) for b in names] for a in names]
    yield heat_table(names, names, rows, corner="live ↓  run →")


def _labels(signal: SignalDiff) -> Iterator[Html]:
    if not signal.labels:
        return
    yield element("h3", "Labels")
    flipped = [label for label in signal.labels if label.flips]
    if not flipped:
        yield element("p", f"None of {len(signal.labels):,} came or went.")
        return
    drawn = flipped[:DRAWN_LABELS]
    bars = change_bars(
        [it.label for it in drawn],
        [it.lost.count for it in drawn],
        [it.gained.count for it in drawn],
        name=f"{signal.signal}: labels lost and gained",
    )
    caption = joined(
        (
            element("span", "lost", class_="before"),
            " to the left, ",
            element("span", "gained", class_="after"),
            " to the right, in answers",
        )
    )
    yield figures(figure(caption, bars))
    yield table(_LABELS, (_label_row(label) for label in flipped))
    if still := len(signal.labels) - len(flipped):
        yield element("p", f"{still:,} more did not change.", class_="quiet")


_LABELS = (
    Column(heading="label"),
    Column(heading="live", is_number=True),
    Column(heading="run", is_number=True),
    Column(heading="lost", is_number=True),
    Column(heading="gained", is_number=True),
    Column(heading="p", is_number=True),
)


def _label_row(label: LabelDiff) -> Sequence[object]:
    return (
        label.label,
        f"{label.live:,}",
        f"{label.run:,}",
        share_words(label.lost),
        share_words(label.gained),
        p_words(label.p),
    )


def _numbers(signal: SignalDiff) -> Iterator[Html]:
    if not signal.numbers:
        return
    yield element("h3", "Numbers")
    yield table(_NUMBERS, (_number_row(it) for it in signal.numbers))
    drawn = shifted_most(signal, DRAWN_NUMBERS)
    if drawn:
        yield _KEY
        yield figures(*(shown for it in drawn for shown in _number_figures(signal, it)))


_NUMBERS = (
    Column(heading="number"),
    Column(heading="pairs", is_number=True),
    Column(heading="mean live", is_number=True),
    Column(heading="mean run", is_number=True),
    Column(heading="difference", is_number=True),
    Column(heading="interval", is_number=True),
    Column(heading="shift", is_number=True),
    Column(heading="tolerance", is_number=True),
    Column(heading="beyond", is_number=True),
    Column(heading="came, went", is_number=True),
)


def _number_row(it: NumberDiff) -> Sequence[object]:
    return (
        it.name,
        f"{it.pairs:,}",
        number(it.mean_live),
        number(it.mean_run),
        signed(it.mean_difference),
        difference_words(it.interval),
        signed(it.shift),
        number(it.tolerance),
        percent(it.beyond.value),
        f"{it.appeared:,}, {it.vanished:,}",
    )


def _number_figures(signal: SignalDiff, it: NumberDiff) -> Iterator[Html]:
    name = f"{signal.signal}: {it.name}"
    if it.live is not None and it.run is not None:
        drawing = paired_histogram(it.live, it.run, name=f"{name}, live and run")
        yield figure(element("code", it.name), drawing)
    if it.differences is not None and it.mean_difference is not None:
        drawing = difference_histogram(
            it.differences,
            name=f"{name}, run minus live",
            mean=it.mean_difference,
            interval=it.interval,
        )
        yield figure(joined((element("code", it.name), ", run minus live")), drawing)


def _gaps(signal: SignalDiff) -> Iterator[Html]:
    if not signal.gaps:
        return
    yield element("h3", "Texts and vectors")
    yield table(_GAPS, (_gap_row(gap) for gap in signal.gaps))
    drawn = [gap for gap in signal.gaps if gap.largest > 0]
    if drawn:
        yield figures(
            *(
                figure(
                    f"{gap.kind} between live and run",
                    histogram(gap.histogram, name=f"{signal.signal}: {gap.kind}"),
                )
                for gap in drawn
            )
        )


_GAPS = (
    Column(heading="measure"),
    Column(heading="pairs", is_number=True),
    Column(heading="mean", is_number=True),
    Column(heading="interval", is_number=True),
    Column(heading="median", is_number=True),
    Column(heading="95th percentile", is_number=True),
    Column(heading="largest", is_number=True),
)


def _gap_row(gap: GapDiff) -> Sequence[object]:
    low_high = gap.interval and f"{number(gap.interval.low)} to {number(gap.interval.high)}"
    return (
        gap.kind,
        f"{gap.pairs:,}",
        number(gap.mean),
        low_high or NOTHING,
        number(gap.median),
        number(gap.p95),
        number(gap.largest),
    )


def _items(signal: SignalDiff) -> Iterator[Html]:
    if not signal.most_changed:
        return
    columns = (
        Column(heading="item"),
        Column(heading="distance", is_number=True),
        Column(heading="live → run"),
    )
    yield element("h3", "Items that changed most")
    yield table(columns, (_item_row(item) for item in signal.most_changed))


def _item_row(item: ChangedItem) -> Sequence[object]:
    said = [
        element(
            "li",
            element("span", change.field, class_="quiet"),
            " ",
            element("span", change.live, class_="before"),
            " → ",
            element("span", change.run, class_="after"),
        )
        for change in item.changes
    ] or [element("li", line) for line in item.differences]
    return (
        element("span", short_id(item.content_id), class_="id"),
        f"{item.distance:.3f}",
        element("ul", *said),
    )
