"""`earmark chaos --inputs`, small, as it is called: real broker, real worker, real damage."""

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
def test_a_small_run_answers_every_input_and_leaves_nothing_behind(tmp_path: Path) -> None:
    seeds, temporary = tmp_path / "seeds", tmp_path / "temporary"
    seeds.mkdir()
    temporary.mkdir()
    (seeds / "schema.avsc").write_text('{"type": "record", "name": "Other", "fields": []}')
    size = f"--inputs 80 --seeds {seeds} --json"
    done = subprocess.run(
        [sys.executable, "-m", "earmark", "chaos", *size.split()],
        env=os.environ | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["inputs"], report["answered"], report["unanswered"]) == (80, 80, 0)
    assert report["worker_deaths"] == 0
    assert report["signals"]["OK"] > 20
    assert report["rejections"].keys() >= {"MEDIA_CORRUPT", "RECORD_UNDECODABLE"}
    assert 0 < report["longest_gap_s"] < 30
    assert report["memory_mb"]["peak"] >= report["memory_mb"]["end"] > 100
    assert not list(temporary.glob("earmark-inputs-*"))


@pytest.mark.parametrize("option", ["--only 3", "--seeds ."])
def test_options_for_inputs_need_inputs(option: str) -> None:
    result = CliRunner().invoke(chaos, option.split())
    assert result.exit_code == 2
    assert "--inputs" in result.stderr
