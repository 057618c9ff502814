"""The demo, end to end: the command that a stranger types."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from earmark.streams.settings import load_settings
from earmark.streams.topic import signal_topics


@pytest.mark.kafka
@pytest.mark.weights
def test_the_demo_reads_every_signal_of_the_sample_back_from_kafka(tmp_path: Path) -> None:
    home = load_settings().home
    for shared in ("models", "jars"):  # what is fetched once is used by all
        (tmp_path / shared).symlink_to(home / shared)
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "demo", "--once", "--json"],
        cwd=tmp_path,
        env=os.environ | {"EARMARK_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert set(summary["signals"]) == set(signal_topics())
    assert all(outcomes.get("OK") for outcomes in summary["signals"].values())
    assert summary["rejections"] == summary["dead_letters"] == 2
    assert summary["latency_ms"]["p50"] <= summary["latency_ms"]["p95"]
