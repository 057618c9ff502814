"""The numbers of a comparison in words, the same in tables and pages."""

from earmark.streams.replay.compare import Standing
from earmark.streams.replay.diff_result import NumberDiff, SignalDiff
from earmark.streams.report.statistic import Interval, Share

NOTHING = "–"
LONGEST_ID = 120
HASH = 10  # hex digits that tell configurations apart to people
_SMALLEST_P = 0.0001
_LEFT = (
    (Standing.INPUT_DIFFERS, "about other content"),
    (Standing.LIVE_NEWER, "with a newer live answer"),
    (Standing.ONLY_RUN, "without a live answer"),
    (Standing.ONLY_LIVE, "that only the live side answered"),
    (Standing.DELETED, "deleted in the run"),
    (Standing.UNDECODABLE, "that could not be read"),
)

MEANINGS = (
    (
        "same",
        "What the two answers say agrees within the tolerance that the signal states for each of"
        " its numbers, texts and vectors. Model, hashes and the rest of the envelope do not count.",
    ),
    (
        "not compared",
        "Items of which the two answers are about different content (their input digests differ),"
        " or of which one cannot be read.",
    ),
    (
        "interval",
        "95 %: Wilson's for shares, the bootstrap's for means and mean differences (percentiles of"
        " 2,000 resamples with a fixed seed).",
    ),
    (
        "p",
        "McNemar's exact test: how likely flips so one-sided would be if a label came as easily as"
        " it went. Not corrected for the number of labels.",
    ),
    (
        "shift",
        "The mean difference, run minus live, in standard deviations (the root of the mean of both"
        " variances).",
    ),
    (
        "beyond",
        "The share of the pairs whose values differ by more than the tolerance that the signal"
        " states; within it they are the same.",
    ),
    (
        "came, went",
        "Pairs in which only the run, or only the live side, has the number; they are in no mean.",
    ),
    (
        "distance",
        "1 if outcome or reason differ, plus the number of labels that only one side has, plus the"
        " largest change of a value that both have, at most 1: of a number |live − run| /"
        " max(1, |live|, |run|), of a text its word error, of a vector its cosine distance.",
    ),
)


def sentence(signal: SignalDiff) -> str:
    """How many changed, and what could not be compared."""
    if not signal.pairs:
        told = "No two answers could be compared."
    elif not signal.changed.count:
        told = f"{signal.pairs:,} of {signal.pairs:,} answers are the same."
    else:
        told = (
            f"{signal.changed.count:,} of {signal.pairs:,} answers changed:"
            f" {percent(signal.changed.value)}, {interval_words(signal.changed)}."
        )
    left = [f"{count:,} {words}" for each, words in _LEFT if (count := signal.count(each))]
    return f"{told} Left out: {', '.join(left)}." if left else told


def configuration(signal: SignalDiff) -> str:
    """Whether both sides were made under one configuration."""
    if not signal.pairs:
        return NOTHING
    if signal.same_configuration == signal.pairs:
        return "same"
    return "other" if not signal.same_configuration else "mixed"


def shifted_most(signal: SignalDiff, most: int) -> list[NumberDiff]:
    """The numbers that moved beyond their tolerance, those of the largest shift first."""
    moved = [it for it in signal.numbers if it.beyond.count]
    return sorted(moved, key=lambda it: (-abs(it.shift or 0.0), it.name))[:most]


def number(value: float | None) -> str:
    """Four digits of it."""
    return NOTHING if value is None else f"{value:.4g}".replace("-", "−")


def signed(value: float | None) -> str:
    """Likewise, with its sign."""
    return number(value) if not value or value < 0 else f"+{number(value)}"


def percent(value: float | None) -> str:
    """A share in per cent."""
    if value is None:
        return NOTHING
    digits = 2 if 0 < value < 0.01 or 0.99 < value < 1 else 1  # noqa: PLR2004  # nearly none, nearly all
    return f"{value:.{digits}%}"


def interval_words(of: Share) -> str:
    """The interval of a share."""
    if of.interval is None:
        return NOTHING
    return f"{percent(of.interval.low)} to {percent(of.interval.high)}"


def share_words(of: Share) -> str:
    """Count, share and interval."""
    return f"{of.count:,} ({percent(of.value)}; {interval_words(of)})"


def short_share(of: Share) -> str:
    """Count and share alone, where there is no room for more."""
    return f"{of.count:,} ({percent(of.value)})"


def difference_words(interval: Interval | None) -> str:
    """The interval of a mean difference."""
    return NOTHING if interval is None else f"{signed(interval.low)} to {signed(interval.high)}"


def p_words(p: float) -> str:
    """A probability, as far as it matters."""
    return f"< {_SMALLEST_P:g}" if p < _SMALLEST_P else f"{p:.2g}"


def short_hash(digest: str) -> str:
    """The beginning of a digest."""
    return digest[:HASH]


def short_id(content_id: str) -> str:
    """An id that does not fill a page; ids come from strangers."""
    return content_id if len(content_id) <= LONGEST_ID else content_id[: LONGEST_ID - 1] + "…"
