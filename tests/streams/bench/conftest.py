"""A quick benchmark to measure single rows in."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from earmark.streams.bench.plan import Plan
from earmark.streams.settings import load_settings


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    """On an eighth of the work, in a folder of the test."""
    with ExitStack() as closing:
        yield Plan(
            settings=load_settings(),
            folder=tmp_path,
            closing=closing,
            quick=True,
            progress=lambda label, done, total: None,
            report=lambda line: None,
        )
