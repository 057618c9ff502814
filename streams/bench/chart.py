"""A series of the benchmark as a drawing: SVG for a page, or a PNG file.

Matplotlib is imported with this module: import it only to draw.
"""

from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from earmark.streams.bench.series import Series
from earmark.streams.report.page import Html
from earmark.streams.report.plot import BAR_HEIGHT, HEIGHT, WIDTH, drawn

# readable on a light ground and on a dark one, and apart for most eyes that see few colours
COLOURS = ("#3d7fb8", "#d9702b", "#4f9d69", "#b0549c", "#a58a1f", "#6c70c9", "#7b8794")
WIDE = 20.0  # so much between the least and the greatest x, and the axis is logarithmic
PNG_DPI = 160
MARKED = 24  # points of a line that are few enough to be marked


def svg(series: Series, name: str) -> Html:
    """The series for a page; `name` tells it from the others."""
    return drawn(partial(_draw, series), name, height=_height(series))


def png(series: Series, path: Path) -> None:
    """The series as a file, black on white."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
        shown = Figure(figsize=(1.2 * WIDTH, 1.2 * _height(series)), layout="constrained")
        axes = shown.subplots()
        _draw(series, axes)
        axes.set_title(series.title, fontsize=10, loc="left")
        shown.savefig(path, dpi=PNG_DPI, metadata={"Software": None})


def _height(series: Series) -> float:
    if series.kind == "line":
        return 1.15 * HEIGHT
    return 0.55 + BAR_HEIGHT * max(len(series.lines), 2)


def _draw(series: Series, axes: Axes) -> None:
    {"line": _lines, "bars": _bars, "spans": _spans}[series.kind](series, axes)
    axes.tick_params(length=0)


def _lines(series: Series, axes: Axes) -> None:
    for number, (words, points) in enumerate(series.lines.items()):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        marker = "o" if len(points) <= MARKED else ""
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(xs, ys, color=colour, label=words, marker=marker, markersize=4, linewidth=1.6)
    xs = [x for points in series.lines.values() for x, _ in points]
    if 0 < len(xs) <= MARKED * len(series.lines) and min(xs) > 0 and max(xs) / min(xs) >= WIDE:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,g}")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(series.x)
    axes.set_ylabel(series.y)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,g}")
    axes.grid(axis="y", alpha=0.4)
    if len(series.lines) > 1:
        axes.legend(frameon=False, fontsize=8)


def _bars(series: Series, axes: Axes) -> None:
    values = [points[0][0] for points in series.lines.values()]
    axes.barh(range(len(values)), values, 0.6, color=COLOURS[0], alpha=0.85)
    for place, value in enumerate(values):
        axes.annotate(
            f"{value:,.3g}", (value, place), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_xlim(0, 1.15 * max(*values, 0.0) or 1.0)
    _rows(series, axes)
    axes.set_xlabel(series.y)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _spans(series: Series, axes: Axes) -> None:
    for place, spans in enumerate(series.lines.values()):
        axes.broken_barh(
            [(start, end - start) for start, end in spans],
            (place - 0.35, 0.7),
            color=COLOURS[place % len(COLOURS)],
            linewidth=0,
        )
    _rows(series, axes)
    axes.set_xlabel(series.x)


def _rows(series: Series, axes: Axes) -> None:
    """Words to the left of what is drawn for each, the first on top."""
    axes.set_yticks(range(len(series.lines)), list(series.lines))
    axes.set_ylim(len(series.lines) - 0.4, -0.6)
