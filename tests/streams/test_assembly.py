"""A worker that cannot be put together ends, so that its supervisor tries again."""

from pathlib import Path

import pytest

from earmark.streams.local.port import HOST, free_port
from earmark.streams.local.stack import Stack
from earmark.streams.local.state import settings_at
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.settings import with_worker

pytestmark = pytest.mark.kafka

LIMIT_S = 120.0


def test_where_no_broker_answers_the_worker_ends_and_its_decode_processes_with_it(
    stack: Stack, tmp_path: Path
) -> None:
    settings = settings_at(
        stack.settings,
        bootstrap_servers=f"{HOST}:{free_port()}",
        registry_url=stack.settings.registry.url,
    )
    process = WorkerProcess(
        with_worker(settings, signals=("text.language",), decoders=1), log_dir=tmp_path
    )
    process.child.start()
    try:
        assert process.child.wait(LIMIT_S) == 1
    finally:
        process.kill()
