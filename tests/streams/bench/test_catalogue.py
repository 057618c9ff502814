"""The rows can be measured, each by itself, and the command prints what it measured."""

import json
import subprocess
import sys

import pytest

from earmark.streams.bench.catalogue import DELIVERY, ROWS
from earmark.streams.bench.plan import Plan
from earmark.streams.bench.row import Row


def assert_measured(row: Row, name: str) -> None:
    assert row.name == name
    assert row.value > 0
    assert row.baseline > 0


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "earmark", "bench", "--quick", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["loudness", "codec_encode", "codec_decode", "decode"])
def test_a_row_is_measured_without_weights_or_services(name: str, plan: Plan) -> None:
    assert_measured(ROWS[name](plan), name)


@pytest.mark.weights
@pytest.mark.parametrize("name", ["vad", "transcript"])
def test_a_row_of_a_model_is_measured(name: str, plan: Plan) -> None:
    assert_measured(ROWS[name](plan), name)


@pytest.mark.weights
@pytest.mark.kafka
def test_a_worker_answers_a_recording_of_many_minutes_in_bounded_memory(plan: Plan) -> None:
    row = ROWS["memory"](plan)
    assert 0 < row.value < 1_000
    assert row.goal is not None


@pytest.mark.weights
@pytest.mark.kafka
def test_a_row_of_delivery_is_measured(plan: Plan) -> None:
    row = DELIVERY["transactions"](plan)
    assert_measured(row, "transactions")
    assert row.details["events_per_transaction"] > 0


def test_json_is_one_object_with_the_machine_and_the_rows_asked_for() -> None:
    done = bench("--json", "--only", "codec_decode", "--threads", "1")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert set(printed) == {"machine", "rows"}
    assert printed["machine"]["cores"] == 1
    (row,) = printed["rows"]
    assert set(row) == {"name", "value", "unit", "baseline", "ratio", "goal", "met", "details"}


def test_the_table_shows_the_row_and_the_machine() -> None:
    done = bench("--only", "codec_decode")
    assert "codec_decode" in done.stdout
    assert "cores" in done.stdout


def test_more_threads_than_cores_are_refused_in_one_line() -> None:
    done = bench("--only", "codec_decode", "--threads", "4096")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
