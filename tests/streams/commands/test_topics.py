"""`earmark topics` shows each topic, and where it differs."""

import json

import pytest

from earmark.streams.cli import main
from earmark.streams.local.stack import Stack
from earmark.streams.topic import contract


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["topics", *arguments])
    return int(caught.value.code or 0)


@pytest.mark.kafka
@pytest.mark.parametrize("command", ["create", "list"])
def test_all_topics_of_a_running_stack_are_as_agreed(
    command: str,
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", stack.settings.kafka.bootstrap_servers)
    assert run(command, "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == [topic.name for topic in contract()]
    assert not any(row["differs"] or row["created"] for row in rows)


@pytest.mark.kafka
def test_topics_are_listed_for_people(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", stack.settings.kafka.bootstrap_servers)
    assert run("list") == 0
    assert "as agreed" in capsys.readouterr().out
