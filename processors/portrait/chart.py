"""Figures of an outcome: bars of probabilities, and stretches of a recording on a time line."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from earmark.processors.portrait.markup import Markup, element, joined, number

BARS = 12  # of one map; the rest is counted
STRETCHES = 1_000  # of one time line, likewise
LANES = 8
WIDTH, LANE, GAP, NAMES, FOOT = 640, 18, 4, 120, 16  # pixels of a time line
TICKS = 5
BLUE, GREY = "#4f86c6", "#8883"
_BAR = "display:inline-block;height:0.7em;vertical-align:middle;border-radius:2px"


def bars(scores: Mapping[str, float], labels: Sequence[str] = ()) -> Markup:
    """The highest scores, each as a bar of the share that it is of 1; labels stand out."""
    ranked = sorted(scores.items(), key=lambda it: -share(it[1]))
    rows = [_bar(name, value, name in labels) for name, value in ranked[:BARS]]
    if len(ranked) > BARS:
        rows.append(element("tr", element("td", f"and {len(ranked) - BARS} more")))
    return element("table", *rows, style="border-collapse:collapse;margin:0.3em 0")


def _bar(name: str, value: float, is_label: bool) -> Markup:
    full = f"{_BAR};width:{160 * share(value):.1f}px;background:{BLUE if is_label else '#8889'}"
    scale = f"display:inline-block;width:160px;background:{GREY};line-height:1"
    return element(
        "tr",
        element("td", element("b", name) if is_label else name, style="padding-right:1em"),
        element("td", element("span", element("span", style=full), style=scale)),
        element("td", number(value), style="padding-left:0.6em;text-align:right"),
    )


def share(value: float) -> float:
    """The value between 0 and 1; 0 for what is no number."""
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))


def time_line(stretches: Sequence[Mapping[str, Any]], length_ms: float) -> Markup:
    """Stretches from `start_ms` to `end_ms`, a lane for each label, with their words on hovering.

    The axis goes to `length_ms`, or to the last end where that is later.
    """
    end_ms = max([length_ms, 1.0, *(float(it["end_ms"]) for it in stretches)])
    lanes = _lanes(stretches)
    height = len(lanes) * (LANE + GAP) + FOOT
    drawn = [
        _lane(name, lanes[name], end_ms, top=row * (LANE + GAP)) for row, name in enumerate(lanes)
    ]
    picture = element(
        "svg",
        *drawn,
        *_ticks(end_ms, height),
        viewBox=f"0 0 {NAMES + WIDTH} {height}",
        width=NAMES + WIDTH,
        height=height,
        role="img",
        aria_label=f"{len(stretches)} stretches in {clock(end_ms)}",
        style="max-width:100%;font:11px sans-serif",
    )
    left = len(stretches) - STRETCHES
    return joined([picture, element("div", f"and {left:,} stretches more") if left > 0 else ""])


def _lanes(stretches: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    lanes: dict[str, list[Mapping[str, Any]]] = {}
    for stretch in stretches[:STRETCHES]:
        name = str(stretch.get("label") or "")
        lanes.setdefault(name if name in lanes or len(lanes) < LANES else "others", []).append(
            stretch
        )
    return lanes


def _lane(name: str, stretches: list[Mapping[str, Any]], end_ms: float, *, top: int) -> Markup:
    middle = top + LANE - 5
    shown = f"{name[:18]}…" if len(name) > 18 else name  # noqa: PLR2004 - what fits before the lane
    return element(
        "g",
        element("text", shown, x=0, y=middle, fill="currentColor"),
        element("rect", x=NAMES, y=top, width=WIDTH, height=LANE, fill=GREY),
        *(_stretch(it, end_ms, top) for it in stretches),
    )


def _stretch(stretch: Mapping[str, Any], end_ms: float, top: int) -> Markup:
    start, end = float(stretch["start_ms"]), float(stretch["end_ms"])
    words = str(stretch.get("text") or stretch.get("label") or "")
    score = stretch.get("score")
    scored = score if isinstance(score, int | float) else None
    said = "" if scored is None else f" {number(scored)}"
    return element(
        "rect",
        element("title", f"{clock(start)} to {clock(end)}{said} {words}".rstrip()),
        x=f"{NAMES + WIDTH * share(start / end_ms):.1f}",
        y=top,
        width=f"{max(1.0, WIDTH * share((end - start) / end_ms)):.1f}",
        height=LANE,
        fill=BLUE,
        fill_opacity="0.8" if scored is None else f"{0.35 + 0.65 * share(scored):.2f}",
    )


def _ticks(end_ms: float, height: int) -> list[Markup]:
    return [
        element(
            "text",
            clock(end_ms * tick / TICKS),
            x=f"{NAMES + WIDTH * tick / TICKS:.0f}",
            y=height - 3,
            fill="currentColor",
            text_anchor="start" if tick == 0 else "end" if tick == TICKS else "middle",
        )
        for tick in range(TICKS + 1)
    ]


def clock(ms: float) -> str:
    """A place in a recording, such as 1:02.5 or 1:00:00.0."""
    tenths = round(ms / 100)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"
