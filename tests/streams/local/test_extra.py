"""Further parts of the stack, by name."""

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.local.extra import extras_named, require_extras


def test_extras_are_named_by_commas() -> None:
    assert extras_named(None) == extras_named("") == ()
    assert "agents" in extras_named(" agents ,")


def test_an_unknown_extra_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown 'agent'.*agents"):
        extras_named("agent")


def test_a_stack_that_lacks_an_extra_is_not_used_for_it() -> None:
    require_extras({"agents": "http://127.0.0.1:1"}, ("agents",))
    with pytest.raises(ConfigurationError, match="earmark up --with agents"):
        require_extras({}, ("agents",))
