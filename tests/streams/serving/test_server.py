"""The HTTP server gives what is on the real broker, and loses nothing between two connections."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.local.environment import environment
from earmark.streams.local.stack import Stack
from earmark.streams.serving.event_stream import Patience
from earmark.streams.serving.item import ItemTable
from earmark.streams.serving.server import Server, Serving
from earmark.streams.testing.record import Sample, records
from earmark.streams.topic import signal_topics
from tests.streams.testing.sending import send

pytestmark = [pytest.mark.kafka]
T = TypeVar("T")
SAFETY = "/signals/text.safety"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event as a client of server-sent events gets it, or an id alone."""

    kind: str | None
    id: str
    data: dict[str, Any] | None


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Told]:
    assert response.content_type == "text/event-stream"
    fields: dict[str, str] = {}
    async for line in response.content:
        if text := line.decode().rstrip("\n"):
            name, _, value = text.partition(": ")
            fields[name] = value  # a comment has no name
            continue
        data = json.loads(fields["data"]) if "data" in fields else None
        yield Told(kind=fields.get("event"), id=fields.get("id", ""), data=data)
        fields = {}


async def said(response: aiohttp.ClientResponse, count: int) -> list[Told]:
    """The next so many events that say something."""
    found: list[Told] = []
    async for each in events(response):
        if each.kind is not None:
            found.append(each)
        if len(found) == count:
            break
    return found


def samples(run: str, *names: str) -> list[Sample]:
    return [
        sample
        for name in names
        for sample in records("text.safety", "OK", content_id=f"{run}-{name}")
    ]


def items(found: list[Told]) -> set[str]:
    return {str((each.data or {})["kafka"]["key"]).rpartition("-")[2] for each in found}


def served(
    stack: Stack,
    work: Callable[[Server, aiohttp.ClientSession], Awaitable[T]],
    **options: Any,
) -> T:
    """What `work` makes of a server that runs meanwhile."""

    async def run() -> T:
        async with (
            Server(Serving(settings=stack.settings, **options)) as server,
            aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(60)) as client,
        ):
            return await work(server, client)

    return asyncio.run(run())


async def sent(stack: Stack, what: list[Sample]) -> None:
    await asyncio.to_thread(send, stack, what)


@pytest.fixture
def run() -> str:
    return uuid4().hex


def test_records_are_told_as_they_come_with_deletions(stack: Stack, run: str) -> None:
    deletion = records("text.safety", "DELETED", content_id=f"{run}-gone")

    async def work(_: Server, client: aiohttp.ClientSession) -> list[Told]:
        async with client.get(SAFETY) as response:
            await sent(stack, [*samples(run, "one"), *deletion])
            return await said(response, 2)

    found = {each.kind: each.data or {} for each in served(stack, work)}
    assert found["signal"]["outcome"] == "OK"
    assert found["signal"]["signal"] == "text.safety"
    assert found["deletion"]["kafka"]["key"] == f"{run}-gone"


def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_twice(
    stack: Stack, run: str
) -> None:
    names = [str(number) for number in range(20)]

    async def work(_: Server, client: aiohttp.ClientSession) -> tuple[list[Told], list[Told]]:
        async with client.get(SAFETY) as response:
            await sent(stack, samples(run, *names[:12]))
            first = await said(response, 5)
        await sent(stack, samples(run, *names[12:]))
        async with client.get(SAFETY, headers={"Last-Event-ID": first[-1].id}) as response:
            return first, await said(response, 15)

    first, rest = served(stack, work)
    assert len(items(first)) == 5
    assert items(first).isdisjoint(items(rest))
    assert items(first) | items(rest) == set(names)


def test_a_client_knows_its_place_before_anything_has_come(stack: Stack, run: str) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> list[Told]:
        async with client.get(SAFETY) as response:
            first = await anext(events(response))
        assert (first.kind, first.data) == (None, None)
        await sent(stack, samples(run, "missed"))
        async with client.get(f"{SAFETY}?last_event_id={first.id}") as response:
            return await said(response, 1)

    assert items(served(stack, work)) == {"missed"}


def test_a_quiet_stream_shows_that_it_lives_and_goes_on_with_its_place(
    stack: Stack, run: str
) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> tuple[str, str]:
        async with client.get(f"{SAFETY}?where=outcome=ERROR") as response:
            silent = events(response)
            before = (await anext(silent)).id
            await sent(stack, samples(run, "passed"))
            async for each in silent:
                if each.id != before:
                    return before, each.id
        raise AssertionError("the place did not move")

    before, after = served(stack, work, patience=Patience(heartbeat_s=0.1))
    assert sum(int(pair.split(":")[1]) for pair in after.split(",")) == 1 + sum(
        int(pair.split(":")[1]) for pair in before.split(",")
    )


def test_conditions_choose_from_the_beginning(stack: Stack, run: str) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> Told:
        await sent(stack, samples(run, "one", "two"))
        wanted = f"{SAFETY}?from_beginning=1&where=content_id={run}-two&where=outcome=OK"
        async with client.get(wanted) as response:
            async for each in events(response):
                if each.kind == "signal":  # deletions have no fields, and come all the same
                    return each
        raise AssertionError("nothing came")

    assert items([served(stack, work)]) == {"two"}


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/signals/text.safty", 400, "text.safety"),
        ("/signals/all", 400, "one at a time"),
        (f"{SAFETY}?last_event_id=x", 400, "Last-Event-ID"),
        (f"{SAFETY}?last_event_id=0:9999999999999999999", 400, "no offset"),
        (f"{SAFETY}?last_event_id=99:0", 400, "not there"),
        (f"{SAFETY}?where=nonsense", 400, "nonsense"),
        (f"{SAFETY}?where=outcme=OK", 400, "did you mean outcome?"),
        (f"{SAFETY}?where=outcome=FOO", 400, "it is one of OK, ABSTAINED"),
        (f"{SAFETY}?wher=x", 400, "unknown wher"),
        (f"{SAFETY}?from_beginning=maybe", 400, "from_beginning"),
        ("/items/ep-1", 404, "keeps no table"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_what_cannot_be_given_is_said_as_json(
    path: str, status: int, told: str, stack: Stack
) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> tuple[int, dict[str, str]]:
        async with client.get(path) as response:
            return response.status, await response.json()

    found = served(stack, work)
    assert found[0] == status
    assert told in found[1]["error"]


def test_more_streams_than_are_allowed_are_turned_away_until_one_ends(stack: Stack) -> None:
    async def work(server: Server, client: aiohttp.ClientSession) -> list[int]:
        async with client.get(SAFETY) as first, client.get(SAFETY) as second:
            found = [first.status, second.status]
        first.close()
        while (await (await client.get("/healthz")).json())["streams"]:
            await asyncio.sleep(0.05)
        async with client.get(SAFETY) as third:
            return [*found, third.status]

    assert served(stack, work, most_streams=1) == [200, 503, 200]


@pytest.mark.parametrize("host", ["evil.example.org", "a:b:c", "localhost:99999999"])
def test_a_page_that_reaches_the_loopback_by_another_name_gets_nothing(
    stack: Stack, host: str
) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> int:
        async with client.get("/signals", headers={"Host": host}) as response:
            return response.status

    assert served(stack, work) == 403


def test_a_client_that_takes_nothing_is_dropped_with_its_place(stack: Stack, run: str) -> None:
    names = [str(number) for number in range(60)]
    long_reason = "x" * 200_000
    big = [
        sample
        for name in names
        for sample in records("text.safety", "OK", content_id=f"{run}-{name}", reason=long_reason)
    ]

    async def work(server: Server, client: aiohttp.ClientSession) -> tuple[list[Told], list[Told]]:
        async with client.get(SAFETY) as opened:
            start = (await anext(events(opened))).id
        await sent(stack, big)
        taken = await _taken_late(server, f"{SAFETY}?last_event_id={start}")
        async with client.get(SAFETY, headers={"Last-Event-ID": taken[-1].id}) as response:
            return taken, await said(response, len(names) - len(taken) + 1)

    patience = Patience(slow_s=0.5, buffer_bytes=65_536)
    *taken, dropped = (found := served(stack, work, patience=patience))[0]
    assert (dropped.kind, "too slow" in str(dropped.data)) == ("dropped", True)
    assert items(taken).isdisjoint(items(found[1]))
    assert items(taken) | items(found[1]) == set(names)


async def _taken_late(server: Server, path: str) -> list[Told]:
    """What a client reads that begins to read when it has been given up."""
    port = int(server.url.rpartition(":")[2])
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        plain.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plain, ("127.0.0.1", port))
        await loop.sock_sendall(plain, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with aiohttp.ClientSession(server.url) as other:
            streams = 0
            while not streams:
                streams = (await (await other.get("/healthz")).json())["streams"]
            while streams:
                streams = (await (await other.get("/healthz")).json())["streams"]
                await asyncio.sleep(0.05)
        body = b""
        while more := await loop.sock_recv(plain, 1_000_000):
            body += more
    return _parsed(_unchunked(body.partition(b"\r\n\r\n")[2]).decode())


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


def _parsed(text: str) -> list[Told]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            data = json.loads(fields["data"])
            found.append(Told(kind=fields["event"], id=fields["id"], data=data))
    return found


def test_the_latest_record_of_each_signal_of_an_item_is_looked_up(stack: Stack, run: str) -> None:
    key = f"{run}-1"
    before = [
        *records("text.safety", "OK", content_id=key),
        *records("audio.loudness", "OK", content_id=key),
        *records("text.safety", "ABSTAINED", content_id=key)[:1],
    ]
    gone = [
        sample
        for name in ("text.safety", "audio.loudness")
        for sample in records(name, "DELETED", content_id=key)
    ]

    async def work(_: Server, client: aiohttp.ClientSession) -> dict[str, Any]:
        await sent(stack, before)
        found = await _until(client, key, lambda body: len(body.get("signals", ())) == 2)
        await sent(stack, gone)
        last = await _until(client, key, lambda body: "no signal of" in body.get("error", ""))
        assert "error" in last
        return found

    with ItemTable(stack.settings, signal_topics()) as table:
        found = served(stack, work, items=table)
    assert found["content_id"] == key
    assert found["signals"]["text.safety"]["outcome"] == "ABSTAINED"
    assert found["signals"]["audio.loudness"]["integrated_lufs"] == pytest.approx(-16.1)


async def _until(
    client: aiohttp.ClientSession, key: str, holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    for _ in range(600):
        async with client.get(f"/items/{key}") as response:
            body: dict[str, Any] = await response.json()
        if holds(body):
            return body
        await asyncio.sleep(0.05)
    raise AssertionError(body)


def test_a_table_that_is_kept_goes_on_where_it_was(stack: Stack, run: str, tmp_path: Path) -> None:
    send(stack, samples(run, "kept"))

    async def work(_: Server, client: aiohttp.ClientSession) -> dict[str, Any]:
        return await _until(client, f"{run}-kept", lambda body: "signals" in body)

    for _ in range(2):
        with ItemTable(stack.settings, ["text.safety"], tmp_path / "items.sqlite") as table:
            found = served(stack, work, items=table)
    assert list(found["signals"]) == ["text.safety"]


def test_a_file_that_is_no_table_is_refused_before_anything_is_served(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no database at all, but a text of some length" * 100)
    with (
        pytest.raises(ConfigurationError, match="not a table"),
        ItemTable(stack.settings, ["text.safety"], tmp_path / "notes.txt"),
    ):
        pass


def test_a_port_that_is_taken_is_said_in_one_line(stack: Stack) -> None:
    async def work(server: Server, _: aiohttp.ClientSession) -> None:
        taken = int(server.url.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match="cannot listen"):
            async with Server(Serving(settings=stack.settings, port=taken)):
                pass

    served(stack, work)


def test_asked_to_stop_the_command_tells_its_streams_and_ends_well(stack: Stack, run: str) -> None:
    async def follow(url: str, process: subprocess.Popen[str]) -> list[Told]:
        async with aiohttp.ClientSession(url) as client, client.get(SAFETY) as response:
            await sent(stack, samples(run, "one"))
            found = await said(response, 1)
            process.send_signal(signal.SIGTERM)
            return [*found, *await said(response, 1)]

    with subprocess.Popen(
        [sys.executable, "-m", "earmark", "serve", "--no-items", "--json"],
        env=environment(stack.settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        found = asyncio.run(follow(url, process))
        _, errors = process.communicate(timeout=60)
    assert [each.kind for each in found] == ["signal", "end"]
    assert (process.returncode, errors) == (0, "")


def test_what_is_answered_is_counted_by_route_whatever_path_is_asked_for(
    stack: Stack, run: str
) -> None:
    async def work(_: Server, client: aiohttp.ClientSession) -> str:
        async with client.get(SAFETY) as response:
            await sent(stack, samples(run, "one"))
            await said(response, 1)
        for path in ("/items/a", "/items/b", "/odd/a", "/odd/b", "/signals/none"):
            async with client.get(path):
                pass
        async with asyncio.timeout(30):
            while True:  # until it is known that the first client has gone
                async with client.get("/metrics") as response:
                    if "gone" in (text := await response.text()):
                        return text

    lines = served(stack, work).splitlines()
    counted = {line.rpartition(" ")[0] for line in lines if "requests_total{" in line}
    counted.discard('earmark_serve_requests_total{route="/metrics",status="2xx"}')
    assert counted == {
        'earmark_serve_requests_total{route="/items/{content_id}",status="4xx"}',
        'earmark_serve_requests_total{route="other",status="4xx"}',
        'earmark_serve_requests_total{route="/signals/{name}",status="4xx"}',
        'earmark_serve_requests_total{route="/signals/{name}",status="gone"}',
    }
    assert 'earmark_serve_sent_total{topic="signals.text.safety.v1"} 1.0' in lines
