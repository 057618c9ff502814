"""What is written down of a run, and what cannot be asked of one."""

from pathlib import Path
from uuid import uuid4

import pytest

from earmark.processors.error import ConfigurationError
from earmark.streams.local.stack import Stack
from earmark.streams.replay.manifest import (
    IDS_IN_PIECE,
    Manifest,
    checked_name,
    read_run,
    write_run,
)
from earmark.streams.replay.start import Asked, planned
from earmark.streams.settings import Settings


@pytest.mark.parametrize("name", ["runs", "Run", "-run", "a.run", "r" * 50, ""])
def test_a_run_is_not_called_what_would_be_a_part_of_other_topics(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot name a run"):
        checked_name(name)


def test_a_model_for_a_signal_that_is_not_answered_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    asked = Asked(signals=("language",), models={"transcript": "whisper-base"})
    with pytest.raises(ConfigurationError, match="not computed here"):
        planned(Settings(home=tmp_path), "better", asked)


@pytest.mark.kafka
@pytest.mark.weights
def test_a_beginning_that_was_killed_adds_no_items_to_the_next_one(stack: Stack) -> None:
    run = uuid4().hex[:8]
    many = frozenset(str(number) for number in range(IDS_IN_PIECE + 1))
    for ids in (many, frozenset({"a", "b"})):
        write_run(
            stack.settings.kafka,
            Manifest(
                run=run,
                source="content.events.v1",
                bounds={0: (0, 1)},
                created_ms=1,
                content_ids=ids,
            ),
        )
    assert read_run(stack.settings.kafka, run).content_ids == {"a", "b"}
