"""The file of a result: whole after each row, and read back."""

from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.result import Result, measure_all, read
from earmark.streams.bench.row import Goal, Row, Unmeasured

MACHINE = {"cpu": "a", "cores": 2, "memory_gb": 8.0, "device": "cpu", "precision": "fp32"}


def a_row(plan: Plan) -> Row:
    goal = Goal(on="ratio", op=">=", x=2)
    return Row(name="a", value=4.0, unit="x", baseline=2.0, against="another", goal=goal)


def not_here(plan: Plan) -> Row:
    raise Unmeasured("needs a GPU")


def broken(plan: Plan) -> Row:
    raise ServiceError("the broker has gone")


def test_a_row_that_cannot_be_measured_is_told_and_the_others_are_measured(plan: Plan) -> None:
    result = Result(machine=MACHINE)
    list(measure_all({"gpu": not_here, "b": broken, "a": a_row}, plan, result))
    assert [row.name for row in result.rows] == ["a"]
    assert result.as_object()["skipped"] == [{"name": "gpu", "reason": "needs a GPU"}]
    assert result.as_object()["failed"] == [{"name": "b", "reason": "the broker has gone"}]


def test_a_result_is_there_after_each_row_when_the_next_is_interrupted(
    plan: Plan, tmp_path: Path
) -> None:
    def interrupted(plan: Plan) -> Row:
        raise KeyboardInterrupt

    result, out = Result(machine=MACHINE), tmp_path / "out.json"
    steps = measure_all({"a": a_row, "b": interrupted}, plan, result)
    next(steps)
    result.write(out)
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert [row.name for row in read(out).rows] == ["a"]


def test_a_result_comes_back_from_its_file(plan: Plan, tmp_path: Path) -> None:
    result = Result(machine=MACHINE, skipped={"gpu": "no GPU"})
    list(measure_all({"a": a_row}, plan, result))
    result.write(tmp_path / "out.json")
    found = read(tmp_path / "out.json")
    assert found.as_object() == result.as_object()
    assert found.rows[0].against == "another"


def test_where_all_rows_were_measured_there_are_machine_and_rows_alone(plan: Plan) -> None:
    result = Result(machine=MACHINE)
    list(measure_all({"a": a_row}, plan, result))
    assert set(result.as_object()) == {"machine", "rows"}


@pytest.mark.parametrize("text", ["", "[]", '{"rows": []}', '{"machine": {}, "rows": [1]}'])
def test_a_file_that_is_no_result_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="no result"):
        read(path)
