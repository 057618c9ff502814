"""What a row can have drawn beside its figures: lines, bars or spans of time.

    Series(kind="line", title="throughput against batch size", x="seconds a batch", y="x real time",
           lines={"ours": [(30, 410.0), (60, 520.0)], "one by one": [(30, 90.0), (60, 90.0)]})
    Series(kind="bars", title="padding by policy", x="", y="share of the batch",
           lines={"arrival order": [(0.75,)], "bucketed": [(0.09,)]})
    Series(kind="spans", title="stages", x="seconds", y="",
           lines={"decode": [(0.0, 0.4), (0.5, 0.9)], "device": [(0.2, 1.0)]})

`lines` are by the words for them. A point of a line is (x, y); a bar is one point (value,); a span
is (start, end) on the row of its words. Lines of few points whose x grow twentyfold, as sizes of
batches do, get a logarithmic axis.
Latency percentiles are a line over the percentile, memory over time one over seconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["line", "bars", "spans"]
POINT = {"line": 2, "bars": 1, "spans": 2}  # figures of a point


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """See the module; raises ValueError where a point has not the figures of its kind."""

    kind: Kind
    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[Sequence[float]]]

    def __post_init__(self) -> None:
        size = POINT[self.kind]
        for words, points in self.lines.items():
            if any(len(point) != size or not all(map(math.isfinite, point)) for point in points):
                raise ValueError(f"{words}: a point of {self.kind} has {size} finite figures")

    def as_object(self) -> dict[str, Any]:
        """The series for JSON."""
        return {
            "kind": self.kind,
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "lines": {words: [list(at) for at in points] for words, points in self.lines.items()},
        }
