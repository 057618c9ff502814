"""The real local broker and registry for the tests that need them, once per session.

Under pytest-xdist each worker process has a stack of its own: they share nothing but the verified
jars in the cache, and each ends with its process.
"""

from collections.abc import Iterator

import pytest

from earmark.streams.local.broker import Broker
from earmark.streams.local.parts import Parts, fetch_parts
from earmark.streams.local.stack import Stack
from earmark.streams.settings import load_settings


@pytest.fixture(scope="session")
def parts() -> Parts:
    """The files of the local parts, fetched where they are missing."""
    return fetch_parts(load_settings())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Broker and registry with all topics and schemas, no worker; `stack.settings` reach them."""
    home = tmp_path_factory.mktemp("stack")
    with Stack(load_settings(), home=home, worker=False) as running:
        yield running


@pytest.fixture(scope="session")
def broker(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker alone, without topics; `broker.bootstrap_servers` reaches it."""
    running = Broker(parts, tmp_path_factory.mktemp("broker"))
    try:
        running.start()
        yield running
    finally:
        running.stop()
