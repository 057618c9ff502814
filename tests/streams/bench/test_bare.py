"""The models alone, where nothing but torch and numpy and what comes with transformers is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from earmark.models.store import default_home
from earmark.streams.bench.result import read

# what a bare GPU machine has not
MISSING = ("av", "soxr", "confluent_kafka", "pydantic", "structlog", "fastavro", "psutil")
RUN = f"""
import sys
for name in {MISSING}:
    sys.modules[name] = None  # importing it fails
from earmark.streams.bench.bare import main
main()
"""


@pytest.mark.weights
def test_models_are_measured_with_next_to_nothing_installed(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    weights = ("--weights", str(default_home() / "models"), "--out", str(out))
    asked = ("text.quality", "audio.scene", "--quick", "--device", "cpu", "--repetitions", "1")
    done = subprocess.run(
        [sys.executable, "-c", RUN, *asked, *weights], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [row.name for row in read(out).rows] == ["model[text.quality]", "model[audio.scene]"]
