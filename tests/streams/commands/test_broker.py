import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from earmark.streams.local.port import free_port, is_free
from earmark.streams.settings import load_settings

pytestmark = [pytest.mark.java, pytest.mark.kafka]


def test_the_broker_serves_in_the_foreground_until_it_is_asked_to_end(tmp_path: Path):
    (tmp_path / "jars").symlink_to(load_settings().home / "jars")
    port = free_port()
    environment = {"EARMARK_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-m", "earmark", "broker", "--port", str(port)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"Kafka 127.0.0.1:{port}")
        AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"}).list_topics(timeout=10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert is_free(port)
