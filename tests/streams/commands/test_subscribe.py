"""What `earmark subscribe` adds to a subscription: a table that is kept, and refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from earmark.streams.commands.subscribe import json_line
from earmark.streams.commands.subscribe import subscribe as command
from earmark.streams.subscriber import ReceivedSignal


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_the_latest_are_kept_in_a_file_and_what_changes_is_printed(
    own_topic: Any, tmp_path: Path
) -> None:
    own_topic.put("a", severity=1)
    own_topic.put("a", severity=2)
    own_topic.put_bytes("a", None)
    own_topic.put("b", severity=3, labels=["hate"])
    own_topic.flush()
    ask = [own_topic.name, "--latest", str(tmp_path / "x.sqlite"), "--timeout", "0.5", "--json"]
    told = CliRunner().invoke(command, ask, catch_exceptions=False)
    said = [json.loads(line) for line in told.stdout.splitlines()]
    assert [it["kafka"]["deleted"] for it in said if it["kafka"]["key"] == "a"] == [0, 0, 1]
    assert len(said) == 4
    assert CliRunner().invoke(command, ask, catch_exceptions=False).stdout == ""


@pytest.mark.kafka
@pytest.mark.usefixtures("stack_environment")
def test_since_label_and_score_choose_what_is_printed(own_topic: Any) -> None:
    own_topic.put("a", labels=["hate"], scores={"hate": 0.9})
    own_topic.put("b", labels=["hate"], scores={"hate": 0.5})
    own_topic.flush()
    ask = [own_topic.name, "--since", "1h", "--label", "hate", "--min-score", "0.8", "--json"]
    told = CliRunner().invoke(command, [*ask, "--timeout", "3"], catch_exceptions=False)
    assert [json.loads(line)["content_id"] for line in told.stdout.splitlines()] == ["a"]


def test_a_table_has_its_own_beginning() -> None:
    told = CliRunner().invoke(command, ["all", "--latest", "x", "--from-beginning"])
    assert (told.exit_code, "leave out --from-beginning" in told.stderr) == (2, True)


@pytest.mark.parametrize(
    ("reason", "shown"), [("Ünicode", "Ünicode"), ("\x9b2J", "\\u009b2J"), ("\ud800", "\\ud800")]
)
def test_json_steers_no_terminal_and_is_unicode(reason: str, shown: str) -> None:
    signal = ReceivedSignal(
        name="x", topic="x", key="k", record={"reason": reason}, partition=0, offset=0, timestamp=0
    )
    assert f'"reason": "{shown}"' in json_line(signal)
