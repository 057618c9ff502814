"""What `earmark up` says of a stack."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.streams.commands.up import up
from earmark.streams.local.state import StackState


def test_a_stack_that_runs_tells_its_own_folders_and_not_that_of_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = _said(monkeypatch, _stack(worker_url="http://127.0.0.1:1", media_roots=("/recordings",)))
    assert "reads files below /recordings" in said
    assert str(tmp_path) not in said


def test_a_stack_without_a_worker_reads_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "reads files" not in _said(monkeypatch, _stack(media_roots=("/recordings",)))


def _stack(*, worker_url: str | None = None, media_roots: tuple[str, ...]) -> StackState:
    return StackState(
        cluster_id="c",
        bootstrap_servers="127.0.0.1:9092",
        registry_url="http://127.0.0.1:8081",
        worker_url=worker_url,
        media_roots=media_roots,
        started=0.0,
        processes=(),
    )


def _said(monkeypatch: pytest.MonkeyPatch, state: StackState) -> str:
    monkeypatch.setattr("earmark.streams.commands.up.running_stack", lambda _: state)
    result = CliRunner().invoke(up)
    assert result.exit_code == 0, result.output
    return result.output
