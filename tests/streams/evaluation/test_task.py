from importlib.resources import files

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.loader import load_specs
from earmark.streams.evaluation.measure import Measured
from earmark.streams.evaluation.task import tasks_of

MODULES = sorted(
    file.name.removesuffix(".py").replace("_", ".", 1)
    for file in (files("earmark") / "streams" / "evaluation" / "tasks").iterdir()
    if file.name.endswith(".py") and not file.name.startswith("_")
)


@pytest.mark.parametrize("signal", sorted(load_specs()))
def test_every_signal_says_how_it_is_evaluated(signal):
    assert tasks_of(signal)


@pytest.mark.parametrize("signal", MODULES)
def test_every_task_has_a_name_of_its_own_and_a_headline_that_its_measure_gives(signal):
    tasks = tasks_of(signal)
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        empty = task.measure([])
        assert isinstance(empty, Measured)
        assert task.headline in empty.values


@pytest.mark.parametrize("signal", ["audio.nothing", "no such", "../x", ""])
def test_a_signal_that_nobody_measures_is_named(signal):
    with pytest.raises(ConfigurationError, match="nothing says how"):
        tasks_of(signal)


def test_another_package_says_by_entry_point_how_its_signal_is_evaluated(tmp_path, monkeypatch):
    info = tmp_path / "made-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[earmark.evaluations]\ntext.made = made_tasks:TASKS\n")
    (tmp_path / "made_tasks.py").write_text(
        "from earmark.streams.evaluation.tasks.text_language import TASKS as theirs\n"
        "TASKS = theirs[:1]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert [task.name for task in tasks_of("text.made")] == ["language"]
