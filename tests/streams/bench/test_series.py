"""What a row has drawn."""

import json
import math
from dataclasses import replace

import pytest

from earmark.streams.bench.row import Row, restored
from earmark.streams.bench.series import Series

LINE = Series(kind="line", title="t", x="batch", y="x", lines={"ours": [(1, 2.0), (2, 3.5)]})
ROW = Row(name="a", value=1.0, unit="x", baseline=2.0, against="b")


def test_a_row_has_its_series_in_its_json_and_comes_back_with_it() -> None:
    row = replace(ROW, series=[LINE])
    said = json.loads(json.dumps(row.as_object()))
    assert said["series"][0]["lines"] == {"ours": [[1, 2.0], [2, 3.5]]}
    assert restored(said, against="b").as_object() == row.as_object()


def test_a_row_without_series_says_nothing_of_them() -> None:
    assert "series" not in ROW.as_object()


@pytest.mark.parametrize(("kind", "point"), [("line", (1,)), ("bars", (1, 2)), ("spans", (0,))])
def test_a_point_that_is_not_of_its_kind_is_refused(kind: str, point: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="finite figures"):
        replace(LINE, kind=kind, lines={"ours": [point]})  # type: ignore[arg-type]  # parametrized


def test_a_figure_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        replace(LINE, lines={"ours": [(1, math.nan)]})
