"""Who waits for a cluster's job waits until it has ended, as long as the cluster answers."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from earmark.models.error import ServiceError
from earmark.streams.flink import rebuild
from earmark.streams.flink.job_folder import JobNote

Serve = Callable[[list[str]], JobNote]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A Flink's answers about a job: one state after another, the last one for ever."""
    servers: list[ThreadingHTTPServer] = []

    def start(states: list[str]) -> JobNote:
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"state": states.pop(0) if len(states) > 1 else states[0]})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        return JobNote(name="stats-r", url=url, job_id="1", started=1.0, savepoints="file:/s")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("state", ["FINISHED", "FAILED", "CANCELED"])
def test_a_job_is_waited_for_until_it_has_ended(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, state: str
):
    monkeypatch.setattr(rebuild, "ASK_S", 0.01)
    asked: list[str] = []
    note = serve(["CREATED", "RUNNING", "RESTARTING", "RUNNING", state])
    assert rebuild.await_end(note, lambda name, *_: asked.append(name)) == state
    assert asked == ["stats-r"] * 4


def test_a_cluster_that_is_silent_for_long_is_an_error(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rebuild, "ASK_S", 0.01)
    monkeypatch.setattr(rebuild, "SILENCE_S", 0.1)
    note = JobNote(
        name="r", url="http://127.0.0.1:9", job_id="1", started=1.0, savepoints="file:/s"
    )
    with pytest.raises(ServiceError, match="Flink http"):
        rebuild.await_end(note)
