"""`earmark flink status` as a probe."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.models.error import ServiceError
from earmark.streams.cli import earmark


def test_a_job_that_does_not_run_fails_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path))
    assert CliRunner().invoke(earmark, ["flink", "status"]).exit_code == 0
    found = CliRunner().invoke(earmark, ["flink", "status", "--running", "profile"])
    assert isinstance(found.exception, ServiceError)
    assert str(found.exception) == "no profile job runs here"
