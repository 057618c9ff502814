"""Options of review: the shipped ones are sound, and a mistake is named with its place."""

from pathlib import Path

import pytest

from earmark.models.error import ConfigurationError
from earmark.processors.review.doubt import near
from earmark.processors.review.option import read_options, shipped_options
from earmark.processors.review.question import Reason
from earmark.processors.threshold import Thresholds
from tests.processors.review.test_routing import safety


def test_a_file_changes_the_tables_that_it_names_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[audit]\nrate = 0.5\nper_day = 7\n")
    own = read_options(path)
    assert (own.audit.rate, own.per_day(Reason.AUDIT), own.audit.strata) == (0.5, 7, ())
    assert own.uncertain == shipped_options().uncertain


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[audit]\nrat = 1", "audit: unknown 'rat'; known: per_day, queue, rate, signals, strata"),
        ("[audit]\nrate = 2", "audit: rate: a number from 0.0 to 1.0 is wanted, not 2"),
        ("[severe]\nseverity = true", "severity: a number from 0 to 7 is wanted, not True"),
        ("[audit]\nrate = nan", "audit: rate: a number from 0.0 to 1.0 is wanted, not nan"),
        ("[audit]\nper_day = 2.5", "audit.per_day: a whole number is wanted, not 2.5"),
        pytest.param("[audit]\nper_day = " + "9" * 5_000, "integer string conversion", id="long"),
        ("[policy]\nper_day = -1", "policy.per_day: a number from 0 is wanted, not -1"),
        ("[audit.signals]\n'text.safety' = 1", "audit.signals: a field by signal is wanted"),
        ("audit = 3", "audit: a table is wanted, not 3"),
        ("[[uncertain.signals]]\nsignal = 'a'", "uncertain.signals[0]: 'field', 'asks', and"),
        ("[uncertain]\nsignals = 3", "uncertain.signals: a list of tables is wanted"),
        ("[thresholds]", "thresholds stand in the settings of the worker"),
        ("= 3", "Invalid statement (at line 1, column 1)"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        read_options(path)
    assert str(path) in str(raised.value)
    assert problem in str(raised.value)


def test_no_file_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_options(tmp_path / "none.toml")


def test_thresholds_of_a_users_own_move_what_is_near() -> None:
    (doubt,) = (each for each in shipped_options().uncertain.signals if each.asks == "labels")
    own = {"text.safety": Thresholds(version="own", values={"default_probability": 0.9})}
    assert not near(safety(hate=0.9), doubt, {})
    assert [each.closeness for each in near(safety(hate=0.9), doubt, own)] == [1.0]
    with pytest.raises(ConfigurationError, match="no threshold 'default_probability'"):
        near(safety(hate=0.9), doubt, {"text.safety": Thresholds(values={"a": 1.0})})
