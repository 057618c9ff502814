"""Agents that are killed amid work end on the verdicts of those that are left in peace."""

import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from earmark.streams.chaos.judging_load import Load
from earmark.streams.chaos.judging_run import JudgingOptions, prove
from earmark.streams.commands.chaos import chaos
from earmark.streams.local.stack import Stack


def own(stack: Stack) -> dict[str, object]:
    kafka = stack.settings.kafka.model_copy(update={"group_id": f"g{uuid.uuid4().hex[:8]}"})
    return {"kafka": kafka}


@pytest.mark.kafka
def test_killed_five_times_agents_come_to_the_same_verdicts(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings.model_copy(update=own(stack))
    options = JudgingOptions(items=200, kills=5, prefix=f"chaos-{uuid.uuid4().hex[:8]}")
    report = prove(options, settings, tmp_path, say=lambda _: None)
    assert (report.kills, report.unlike) == (5, ())
    assert 0 < report.gone < report.items
    assert report.verdicts + report.gone == report.items


def test_the_load_follows_from_its_seed() -> None:
    first, again, other = (list(Load(20, seed=seed).messages()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_inputs_and_items_do_not_go_together() -> None:
    result = CliRunner().invoke(chaos, ["--inputs", "5", "--items", "5"])
    assert result.exit_code == 2
