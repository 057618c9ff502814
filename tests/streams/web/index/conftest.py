"""An empty index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.streams.web.index.file import IndexFile


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexFile]:
    made = IndexFile(tmp_path / "inspector.sqlite")
    yield made
    made.close()
