"""Plots as SVG that lies in a page: its fonts, its colours, no ids that meet another plot's.

The same data gives the same bytes. Colours are the page's variables, so plots follow its scheme.
`name` tells a plot from the others on its page and is what it is called to those who cannot see it.

Matplotlib is imported with this module, which takes half a second: import it only to draw.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import RcKeyType

from earmark.streams.printable import printable
from earmark.streams.report.page import Html, html
from earmark.streams.report.statistic import Histogram, Interval

WIDTH, HEIGHT = 5.0, 2.5  # inches of 72 units: on a page as wide as its column
BAR_HEIGHT = 0.32  # of one label
LONGEST_LABEL = 30
LOGARITHMIC = 50  # a bin with so many times the median count hides the others

# written into the SVG, then replaced by the page's variables
INK, MUTED, RULE, BEFORE, AFTER = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", BEFORE: "before", AFTER: "after"}

_STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label with two dollar signs is no formula
    "axes.unicode_minus": True,
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
}
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SHEET = re.compile(r"\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_FONT = re.compile(r"\s*font-family: [^;\"]*;?")
_OPENING = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')


def paired_histogram(
    before: Histogram, after: Histogram, *, name: str, label: str = "", counted: str = "items"
) -> Html:
    """Two histograms over the same edges: the first filled, the second as an outline."""

    def draw(axes: Axes) -> None:
        axes.stairs(before.counts, before.edges, fill=True, color=BEFORE, alpha=0.45)
        axes.stairs(after.counts, after.edges, color=AFTER, linewidth=1.8)
        _finish(axes, before, after, label=label, counted=counted)

    return drawn(draw, name)


def histogram(shown: Histogram, *, name: str, label: str = "", counted: str = "items") -> Html:
    """One histogram, as an outline."""

    def draw(axes: Axes) -> None:
        axes.stairs(shown.counts, shown.edges, color=AFTER, linewidth=1.8)
        _finish(axes, shown, label=label, counted=counted)

    return drawn(draw, name)


def difference_histogram(
    differences: Histogram,
    *,
    name: str,
    mean: float,
    interval: Interval | None,
    label: str = "",
    counted: str = "items",
) -> Html:
    """A histogram around zero, with the mean as a line and its interval as a band."""

    def draw(axes: Axes) -> None:
        axes.stairs(differences.counts, differences.edges, fill=True, color=AFTER, alpha=0.35)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.axvline(mean, color=AFTER, linewidth=1.8)
        if interval is not None:
            axes.axvspan(interval.low, interval.high, color=AFTER, alpha=0.3, linewidth=0)
        _finish(axes, differences, label=label, counted=counted)

    return drawn(draw, name)


def change_bars(
    labels: Sequence[str], lost: Sequence[int], gained: Sequence[int], *, name: str
) -> Html:
    """A bar for each label: to the left for what it lost, to the right for what it gained."""

    def draw(axes: Axes) -> None:
        places = range(len(labels))
        axes.barh(places, [-count for count in lost], 0.62, color=BEFORE, alpha=0.75)
        axes.barh(places, gained, 0.62, color=AFTER, alpha=0.85)
        widest = max(*lost, *gained, 1)
        for place, (left, right) in enumerate(zip(lost, gained, strict=True)):
            _beside(axes, f"{left:,}", -left, place, side="right")
            _beside(axes, f"{right:,}", right, place, side="left")
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_xlim(-1.25 * widest, 1.25 * widest)
        axes.set_yticks(places, [_short(label) for label in labels], color=INK)
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)

    return drawn(draw, name, height=0.3 + BAR_HEIGHT * len(labels))


def reliability(points: Sequence[tuple[float, float, int]], *, name: str) -> Html:
    """How often a probability came true: (probability, share, count) of each bin.

    A point lies the nearer to the line the better, and is the larger the more it stands for.
    """
    most = max((count for _, _, count in points), default=1)

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8)
        axes.plot([p for p, _, _ in points], [share for _, share, _ in points], color=AFTER)
        for probability, share, count in points:
            size = 3 + 9 * (count / most) ** 0.5
            axes.plot([probability], [share], "o", color=AFTER, markersize=size, alpha=0.85)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("probability")
        axes.set_ylabel("came true")
        axes.grid(axis="both")
        axes.tick_params(length=0)

    return drawn(draw, name, height=1.3 * HEIGHT)


def interval_bars(
    labels: Sequence[str],
    values: Sequence[tuple[float, float | None, float | None]],
    *,
    name: str,
    marked: Sequence[bool] = (),
) -> Html:
    """A bar for each label, (value, low, high), with the interval as a line where there is one."""
    notable = marked or [False] * len(labels)

    def draw(axes: Axes) -> None:
        widest = max((max(value, high or 0.0) for value, _, high in values), default=0.0) or 1.0
        for place, (value, low, high) in enumerate(values):
            colour = AFTER if notable[place] else BEFORE
            axes.barh([place], [value], 0.6, color=colour, alpha=0.6)
            if low is not None and high is not None:
                axes.plot([low, high], [place, place], color=INK, linewidth=1.2)
            _beside(axes, f"{value:.3f}", max(value, high or 0.0), place, side="left")
        axes.set_xlim(0, 1.2 * widest)
        axes.set_yticks(range(len(labels)), [_short(label) for label in labels], color=INK)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines["bottom"].set_visible(False)

    return drawn(draw, name, height=0.3 + BAR_HEIGHT * len(labels))


def _beside(axes: Axes, text: str, x: float, y: float, *, side: str) -> None:
    """A number at the end of its bar."""
    away = (4 if side == "left" else -4, 0)
    axes.annotate(text, (x, y), away, textcoords="offset points", ha=side, va="center", color=INK)


def _finish(axes: Axes, *shown: Histogram, label: str, counted: str) -> None:
    """Label the axes of histograms; counts of very different size get a logarithmic scale."""
    counts = [count for each in shown for count in each.counts]
    is_whole = all(edge % 1 == 1 / 2 for edge in shown[0].edges)
    axes.set_xlabel(_short(label))
    axes.set_ylabel(counted)
    some = sorted(count for count in counts if count)
    if some and some[-1] > LOGARITHMIC * some[len(some) // 2]:
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylabel(f"{counted}, logarithmic")
        axes.set_ylim(0, 2 * some[-1])
    else:
        axes.set_ylim(0, 1.08 * max(some, default=1))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    axes.grid(axis="y")
    axes.tick_params(length=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=is_whole))
    axes.spines["left"].set_visible(False)


def drawn(draw: Callable[[Axes], None], name: str, *, height: float = HEIGHT) -> Html:
    """What `draw` draws, as SVG for a page; for plots of a kind that is not here."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # whatever a file of the user's says
        # matplotlib makes its ids of the salt and of what is drawn
        mpl.rcParams.update(_STYLE | {"svg.hashsalt": ascii(name)})
        # widths of letters that its font lacks are guessed; the reader's fonts have them
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        shown = Figure(figsize=(WIDTH, height), layout="constrained")
        shown.patch.set_visible(False)
        axes = shown.subplots()
        axes.patch.set_visible(False)
        draw(axes)
        written = StringIO()
        shown.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(written.getvalue(), name)


def _inline(svg: str, name: str) -> Html:
    """The SVG as a part of a page."""
    for left_out in (_PROLOGUE, _METADATA, _SHEET, _FONT):
        svg = left_out.sub("", svg)
    svg = _GROUP_ID.sub("<g", svg).replace("xlink:href", "href")
    said = f'role="img" aria-label="{html(name)}"'
    svg = _OPENING.sub(lambda found: f'<svg viewBox="{found[1]}" {said}>', svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return Html(svg.strip())


def _short(label: str) -> str:
    label = printable(label.replace("\n", " "))
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
