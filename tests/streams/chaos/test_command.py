"""`earmark chaos`, small, as it is called: real broker, real workers, real kills."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.streams.commands.chaos import chaos


@pytest.mark.kafka
@pytest.mark.weights
def test_a_small_run_loses_and_doubles_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    size = "--events 300 --workers 2 --kills 2 --broker-kills 1 --rebalances 0 --poison 0.05"
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "chaos", *size.split(), "--json"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert {name: report[name] for name in ("lost", "duplicated", "out_of_order", "wrong")} == {
        "lost": 0,
        "duplicated": 0,
        "out_of_order": 0,
        "wrong": 0,
    }
    assert (report["events"], report["kills"], report["broker_kills"]) == (300, 2, 1)
    assert report["longest_gap_s"] > 0
    assert report["recovery_s"] > 0
    assert not list(tmp_path.glob("earmark-chaos-*"))


def test_a_run_without_workers_is_a_usage_error() -> None:
    result = CliRunner().invoke(chaos, ["--workers", "0"])
    assert result.exit_code == 2
    assert "--workers" in result.stderr
