"""What is told of a job's checkpoints, by what its Flink answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from earmark.streams.flink.host import job_states
from earmark.streams.flink.job_folder import JobFolder, JobNote

# as Flink 2.3.0 answered of a healthy job that had declined five before all its tasks ran
DECLINED = {
    "counts": {"restored": 0, "total": 7, "in_progress": 0, "completed": 2, "failed": 5},
    "latest": {"completed": {"id": 2}, "savepoint": None, "failed": None, "restored": None},
    "history": [{"id": 2, "status": "COMPLETED"}, {"id": 1, "status": "COMPLETED"}],
}
NONE_YET = {
    "counts": {"completed": 0, "failed": 5},
    "latest": {"completed": None, "failed": None},
    "history": [],
}


def after(*statuses: str) -> dict[str, Any]:
    """An answer of which these are the checkpoints, from the first to the last."""
    listed = [{"id": number, "status": it} for number, it in enumerate(statuses, start=1)]
    completed = [it for it in listed if it["status"] == "COMPLETED"]
    return {
        "counts": {"completed": len(completed), "failed": len(listed) - len(completed)},
        "latest": {"completed": completed[-1]},
        "history": listed[::-1],
    }


@pytest.fixture
def answers() -> Iterator[dict[str, Any]]:
    """What a Flink answers, by path, and at `url` where it does."""
    given: dict[str, Any] = {"/jobs/j": {"state": "RUNNING"}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(given[self.path]).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        given["url"] = f"http://127.0.0.1:{server.server_address[1]}"
        yield given
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (DECLINED, 0),
        (NONE_YET, 5),
        (after("FAILED", "COMPLETED", "IN_PROGRESS"), 0),
        (after("COMPLETED", "FAILED", "FAILED"), 2),
    ],
)
def test_what_failed_since_the_last_completed_checkpoint_is_counted(
    answer: dict[str, Any], failed: int, answers: dict[str, Any], tmp_path: Path
) -> None:
    answers["/jobs/j/checkpoints"] = answer
    note = JobNote(name="stats", url=answers["url"], job_id="j", started=1.0, savepoints="file:/x")
    JobFolder(tmp_path, "stats").write(note)
    (job,) = job_states(tmp_path)
    assert (job.state, job.checkpoints) == ("RUNNING", answer["counts"]["completed"])
    assert job.failed == failed
