"""The endpoint gives questions and takes decisions, and says what was wrong with a call."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from earmark.streams.local.environment import environment
from earmark.streams.settings import Settings
from tests.streams.review.conftest import Asked

pytestmark = [pytest.mark.kafka]

LIMIT_S = 120
TOKEN = "open-sesame"

Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def asked(ask: Callable[[int], Asked]) -> Asked:
    return ask(2)


@pytest.fixture
def call(settings: Settings, asked: Asked) -> Iterator[Call]:
    """Calls a server in a process of its own, which asks for a token."""
    process = subprocess.Popen(
        [sys.executable, "-m", "earmark", "review", "serve"],
        env=environment(settings) | {"EARMARK_REVIEW__TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]

    def send(
        path: str,
        body: object = None,
        *,
        token: str | None = TOKEN,
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        raw = data.encode() if isinstance(data, str) else data
        request = Request(f"{url}{path}", data=raw, headers={"Content-Type": content_type})  # noqa: S310  our own
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urlopen(request, timeout=LIMIT_S) as response:  # noqa: S310
                return response.status, json.loads(response.read())
        except HTTPError as error:
            return error.code, json.loads(error.read())

    try:
        yield send
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0


def test_questions_are_read_answered_and_then_no_longer_open(call: Call, asked: Asked) -> None:
    listed = f"/requests?queue={asked.queue}"
    status, found = call(listed)
    first = found["requests"][0]
    assert (status, len(found["requests"]), first["state"]) == (200, 2, "OPEN")
    status, page = call(f"/requests/{first['request_id']}")
    assert page["texts"][0]["text"].startswith("write to someone@example.org")
    answer = {"request_id": first["request_id"], "annotator": "ann", "values": ["profanity"]}
    status, taken = call("/decisions", answer)
    assert status == 201
    _, page = call(f"/requests/{first['request_id']}")
    (decision,) = page["decisions"]
    assert (page["state"], decision["decision_id"]) == ("ANSWERED", taken["decision_id"])
    assert (decision["kind"], decision["values"], decision["chance"]) == (
        "VALUE",
        ["profanity"],
        1.0,
    )
    assert len(call(listed)[1]["requests"]) == 1
    assert len(call(f"{listed}&state=ALL")[1]["requests"]) == 2

    name = asked.questions[0].request_id
    whole = {"request_id": name, "annotator": "ann", "agree": True}
    typo = {"request_id": name, "annotator": "ann", "values": ["harrasment"]}
    wrong: list[tuple[int, str, tuple[Any, ...], dict[str, Any]]] = [
        (401, "unauthorized", ("/requests",), {"token": None}),
        (401, "unauthorized", ("/decisions", whole), {"token": "guess"}),
        (404, "not_found", ("/nothing",), {}),
        (404, "not_found", (f"/requests/{'0' * 32}",), {}),
        (404, "not_found", ("/decisions", whole | {"request_id": "0" * 32}), {}),
        (400, "invalid_query", ("/requests?limit=0",), {}),
        (400, "invalid_query", (f"/requests?limit={'9' * 5000}",), {}),
        (400, "invalid_query", ("/requests?state=LOST",), {}),
        (400, "invalid_body", ("/decisions", b"{"), {}),
        (400, "invalid_body", ("/decisions", b"\xff"), {}),
        (
            400,
            "invalid_body",
            ("/decisions", b"{"),
            {"content_type": "application/json; charset=none"},
        ),
        (415, "invalid_body", ("/decisions", whole), {"content_type": "text/plain"}),
        (422, "invalid_body", ("/decisions", whole | {"mood": "good"}), {}),
        (422, "invalid_body", ("/decisions", whole | {"request_id": "x"}), {}),
        (422, "invalid_decision", ("/decisions", whole | {"values": ["hate"]}), {}),
        (422, "invalid_decision", ("/decisions", typo), {}),
        (422, "invalid_decision", ("/decisions", whole | {"annotator": "a@example.org"}), {}),
        (413, "too_large", ("/decisions", b" " * 100_000), {}),
    ]
    for expected, kind, arguments, own in wrong:
        status, body = call(*arguments, **own)
        assert (status, body["error"]["type"]) == (expected, kind), arguments
        assert body["error"]["message"]
    assert call("/decisions", typo)[1]["error"]["message"].startswith(
        "unknown label of text.safety 'harrasment'; known: harassment, hate, "
    )
    assert call("/healthz", token=None) == (200, {"state": "READY"})
