"""`earmark chaos`, small, as it is called: real broker, real workers, real kills."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.streams.commands.chaos import chaos

EXACT = {"lost": 0, "duplicated": 0, "out_of_order": 0, "wrong": 0}


def report_of(size: str, folder: Path) -> dict[str, float]:
    """What the command reports of a run that ends well, with all that it writes below `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "chaos", *size.split(), "--json"],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    report: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.kafka
@pytest.mark.weights
def test_a_small_run_loses_and_doubles_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    report = report_of(
        "--events 300 --workers 2 --kills 2 --broker-kills 1 --rebalances 0 --poison 0.05", tmp_path
    )
    assert {name: report[name] for name in EXACT} == EXACT
    assert (report["events"], report["kills"], report["broker_kills"]) == (300, 2, 1)
    assert report["longest_gap_s"] > 0
    assert report["recovery_s"] > 0
    assert not list(tmp_path.glob("earmark-chaos-*"))


@pytest.mark.kafka
@pytest.mark.weights
def test_nor_does_one_with_a_frozen_worker_and_a_cut_network(tmp_path: Path) -> None:
    report = report_of(
        "--events 300 --workers 2 --kills 0 --broker-kills 0 --rebalances 0 "
        "--cuts 1 --cut-s 5 --freezes 1 --protocol consumer",
        tmp_path,
    )
    assert {name: report[name] for name in EXACT} == EXACT
    assert (report["cuts"], report["freezes"]) == (1, 1)
    assert report["longest_gap_s"] > 3  # events came all the time
    assert report["broker_recovery_s"] > 0


def test_a_run_without_workers_is_a_usage_error() -> None:
    result = CliRunner().invoke(chaos, ["--workers", "0"])
    assert result.exit_code == 2
    assert "--workers" in result.stderr
