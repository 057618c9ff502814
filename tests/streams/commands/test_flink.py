"""`earmark flink status` as a probe, and backfills that are not begun."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.content import ContentEvent, Text
from earmark.streams.cli import earmark
from earmark.streams.local.stack import Stack
from earmark.streams.producer import Producer
from earmark.streams.replay.manifest import read_runs


def test_a_job_that_does_not_run_fails_the_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path))
    assert CliRunner().invoke(earmark, ["flink", "status"]).exit_code == 0
    found = CliRunner().invoke(earmark, ["flink", "status", "--running", "profile"])
    assert isinstance(found.exception, ServiceError)
    assert str(found.exception) == "no profile job runs here"


@pytest.mark.kafka
@pytest.mark.flink
@pytest.mark.usefixtures("stack_environment")
@pytest.mark.parametrize(
    ("cluster", "error"),
    [
        ("local", ConfigurationError),
        ("flink", ConfigurationError),
        ("http://[::1]:9", ServiceError),
    ],
)
def test_without_a_flink_to_run_on_no_backfill_is_begun(
    cluster: str,
    error: type[Exception],
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EARMARK_STATE", str(tmp_path))
    with Producer(stack.settings) as producer:
        texts = (Text(field="title", text="A river"),)
        producer.send(ContentEvent(event_id="e", content_id="no-flink", event_time=1, texts=texts))
    asked = ["flink", "backfill", "--run", "no-flink", "--from", "beginning"]
    asked += ["--cluster", cluster]
    assert isinstance(CliRunner().invoke(earmark, asked).exception, error)
    assert "no-flink" not in read_runs(stack.settings.kafka)


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_a_name_that_no_run_has_begins_no_backfill(stack: Stack) -> None:
    said = CliRunner().invoke(earmark, ["flink", "backfill", "--run", "slip"])
    assert "there is no replay slip; to begin it say of what" in str(said.exception)
    assert "slip" not in read_runs(stack.settings.kafka)
