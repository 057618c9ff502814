"""Brokers for each module alone: what a job reads and writes is all that stands there."""

from collections.abc import Iterator

import pytest

from earmark.streams.local.stack import Stack
from earmark.streams.settings import load_settings


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As the one of the session, which has the records of all other tests."""
    home = tmp_path_factory.mktemp("stack")
    with Stack(load_settings(), home=home, worker=False) as running:
        yield running
