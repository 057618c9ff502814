"""One server for the tests that only look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from earmark.streams.local.stack import Stack
from earmark.streams.settings import Settings
from tests.streams.web.served import Client, serving


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that recordings are read from."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def settings(stack: Stack, media: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    state = tmp_path_factory.mktemp("inspector")
    roots = stack.settings.media.model_copy(update={"roots": (media,)})
    return stack.settings.model_copy(update={"state": state, "media": roots})


@pytest.fixture(scope="session")
def inspector(settings: Settings) -> Iterator[Client]:
    """A server where everybody may do everything."""
    with serving(settings, operator=True) as client:
        yield client
