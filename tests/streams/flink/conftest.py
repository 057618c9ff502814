"""Brokers for each module alone: what a job reads and writes again is all that stands there."""

import pytest

from earmark.streams.local.stack import Stack


@pytest.fixture(scope="module")
def stack(own_stack: Stack) -> Stack:
    """In place of that of the session, which has the records of all other tests."""
    return own_stack
