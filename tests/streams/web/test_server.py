"""The server shows what is on the real broker, and hands out nothing that could run in a page."""

import http.client
import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import uuid4

import confluent_kafka
import numpy as np
import pytest

from earmark.models.fingerprint import Fingerprint
from earmark.processors.signals.audio_fingerprint import ALGORITHM, VERSION
from earmark.processors.wav import wav_bytes
from earmark.streams.dead_letter import DeadLetters
from earmark.streams.kafka import producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.replay.manifest import Manifest, State, write_run
from earmark.streams.sample_content import SAMPLES
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, dead_letter_topic
from earmark.streams.web.index.place import index_of
from tests.streams.testing.sending import send
from tests.streams.web.held import event, gone, signal
from tests.streams.web.served import Client, serving, until

pytestmark = [pytest.mark.kafka]

HOSTILE = '<script>alert("title")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def name() -> str:
    return f"{uuid4().hex}/<b>&\"'?#%2F"


def known(inspector: Client, name: str) -> dict:  # type: ignore[type-arg]
    """The item once the index has it."""
    until(lambda: inspector.item(name).status == 200)
    return inspector.item(name).json  # type: ignore[no-any-return]


def test_an_item_is_shown_with_its_signals(stack: Stack, inspector: Client, name: str) -> None:
    samples = [signal("text.safety", name), signal("audio.loudness", name), event(name)]
    send(stack, samples)
    until(lambda: len(known(inspector, name)["signals"]) == 2)
    found = known(inspector, name)
    assert found["content_id"] == name
    by_name = {each["name"]: each for each in found["signals"]}
    assert by_name["text.safety"]["provenance"]["config_hash"]
    assert by_name["audio.loudness"]["answer"]["integrated_lufs"] is not None
    history = inspector.item(name, "/history?signal=text.safety").json
    assert [each["outcome"] for each in history["values"]] == ["OK"]
    assert inspector.item(name, "/timeline").status == 200


def test_an_erased_item_is_gone(stack: Stack, inspector: Client, name: str) -> None:
    send(stack, [event(name, ("title", "x")), signal("text.safety", name)])
    known(inspector, name)
    send(stack, [gone(name), gone(name, "signals.text.safety.v1")])
    until(lambda: inspector.item(name).status == 404)
    assert inspector.item(name, "/history?signal=text.safety").status == 404


def test_hostile_words_are_data_and_never_a_page(
    stack: Stack, inspector: Client, name: str
) -> None:
    send(stack, [event(name, ("title", HOSTILE))])
    assert known(inspector, name)["item"]["texts"][0]["text"] == HOSTILE
    answers = [
        inspector.item(name),
        inspector.get(f"items?q={quote(HOSTILE)}"),
        inspector.get(f"items/{quote(HOSTILE, safe='')}"),
        inspector.get(f"/{quote(HOSTILE)}"),
        inspector.get(f"items?limit={quote(HOSTILE)}"),
    ]
    for answer in answers:
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "/.hidden", "/index", "//etc/passwd"],
)
def test_no_other_file_than_those_of_the_pages_is_served(inspector: Client, path: str) -> None:
    assert inspector.get(path).status == 404


def test_personal_data_is_masked_until_it_is_asked_for(
    stack: Stack, inspector: Client, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Write to ann@example.org today"
    send(stack, [event(name, ("comment", text))])  # no signal says where: it is read here
    (masked,) = known(inspector, name)["item"]["texts"]
    assert masked["masked"]
    assert "ann" not in masked["text"]
    assert len(masked["text"]) == len(text)
    assert [span["kind"] for span in masked["spans"]] == ["email"]
    (shown,) = inspector.item(name, "?unmask=1").json["item"]["texts"]
    assert shown["text"] == text
    said = capsys.readouterr()
    assert "unmasked" in said.out + said.err


def recording(media: Path, content_id: str) -> list:  # type: ignore[type-arg]
    path = media / f"{uuid4().hex}.wav"
    tone_T = np.sin(np.arange(32_000) * 2 * np.pi * 1_000 / 16_000) * 0.5
    path.write_bytes(wav_bytes(tone_T, 16_000))
    audio = {
        "uri": path.as_uri(),
        "data": None,
        "media_type": "text/html",  # as a stranger says
        "size_bytes": path.stat().st_size,
        "sha256": None,
    }
    return [
        event(content_id, audio=audio),
        signal("audio.integrity", content_id, container="wav", codec="pcm_s16le"),
    ]


def test_a_recording_is_played_by_ranges_and_drawn(
    stack: Stack, inspector: Client, media: Path, name: str
) -> None:
    send(stack, recording(media, name))
    until(lambda: known(inspector, name)["signals"] and known(inspector, name)["item"]["audio"])
    part = inspector.ask("GET", f"/api/v1/items/{quote(name, safe='')}/audio", Range="bytes=0-3")
    assert (part.status, part.body) == (206, b"RIFF")
    assert part.headers["Content-Type"] == "audio/wav"
    waveform = inspector.item(name, "/waveform?buckets=10").json
    assert waveform["duration_s"] == pytest.approx(2, abs=0.01)
    assert max(waveform["high"]) == pytest.approx(0.5, abs=0.02)
    picture = inspector.item(name, "/spectrogram.png?width=100&height=50")
    assert picture.body.startswith(b"\x89PNG")
    lanes = {lane["name"]: lane for lane in inspector.item(name, "/timeline").json["lanes"]}
    assert lanes["loudness"]["points"][0][1] == pytest.approx(-9, abs=1)
    send(stack, [gone(name)])
    until(lambda: inspector.item(name, "/audio").status == 404)


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://127.0.0.1:1/x", "ftp://x/y"])
def test_recordings_are_fetched_under_the_rules_of_the_fetcher(
    stack: Stack, inspector: Client, name: str, uri: str
) -> None:
    audio = {"uri": uri, "data": None, "media_type": None, "size_bytes": None, "sha256": None}
    send(stack, [event(name, audio=audio)])
    known(inspector, name)
    answer = inspector.item(name, "/audio")
    assert answer.status == 422
    assert "URI_REFUSED" in answer.json["error"]


def test_signals_are_told_as_they_arrive(stack: Stack, inspector: Client, name: str) -> None:
    until(lambda: inspector.get("session").json["ready"])
    host = urlsplit(inspector.url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=60)
    connection.request("GET", "/api/v1/stream?signal=text.safety&min_score=0.9&label=hate")
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "text/event-stream"
    assert response.getheader("Content-Security-Policy")
    scores = ({"hate": 0.2}, {"hate": 0.95})
    send(stack, [signal("text.safety", f"{name}{n}", scores=it) for n, it in enumerate(scores)])
    kinds = set()
    while True:
        line = response.readline().decode().strip()
        kind, _, value = line.partition(": ")
        kinds |= {value} if kind == "event" else set()
        if kind == "data" and f"{name}" in (found := json.loads(value)).get("content_id", ""):
            break
    connection.close()
    assert found["content_id"] == f"{name}1"
    assert "rate" in kinds


def events(inspector: Client, last: str | None = None) -> Iterator[tuple[str, str]]:
    """Kinds and ids, as a browser gets them that has come back after the id."""
    host = urlsplit(inspector.url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=60)
    headers = {} if last is None else {"Last-Event-ID": last}
    connection.request("GET", "/api/v1/stream?signal=text.safety", headers=headers)
    response, at, kind = connection.getresponse(), "", ""
    try:
        while line := response.readline().decode():
            name, _, value = line.strip().partition(": ")
            at, kind = (value, kind) if name == "id" else (at, value if name == "event" else kind)
            if name == "data":
                yield f"{kind} {json.loads(value).get('content_id', '')}".strip(), at
    finally:
        connection.close()


def test_a_stream_goes_on_where_it_was_lost(stack: Stack, inspector: Client, name: str) -> None:
    until(lambda: inspector.get("session").json["ready"])
    first = events(inspector)
    (_, at) = next(first)  # a rate
    first.close()
    send(stack, [signal("text.safety", f"{name}{n}") for n in range(2)])
    until(lambda: inspector.item(f"{name}1").status == 200)
    again = events(inspector, at)
    told = [kind for kind, _ in (next(again) for _ in range(4)) if kind.startswith("signal")]
    again.close()
    assert {f"signal {name}0", f"signal {name}1"} <= set(told)
    assert ("missed", "") in itertools.islice(events(inspector, "of-another"), 3)


def letter(settings: Settings, value: bytes) -> tuple[int, int]:
    """A dead letter like the worker's; its place."""
    placed: list[tuple[int, int]] = []
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    producer.produce(
        dead_letter_topic(CONTENT_EVENTS),
        value,
        b"some-key",
        headers=[
            ("__streams.errors.message", b"RECORD_UNDECODABLE: record: no event"),
            ("__streams.errors.topic", CONTENT_EVENTS.encode()),
            ("__streams.errors.partition", b"0"),
            ("__streams.errors.offset", b"0"),
        ],
        on_delivery=lambda _, it: placed.append((it.partition(), it.offset())),
    )
    assert producer.flush(30) == 0
    return placed[0]


def test_a_dead_letter_is_shown_to_who_asks_and_goes_back_once(
    settings: Settings, inspector: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    partition, offset = letter(settings, b"not Avro <script>")
    path = f"dead-letters/{dead_letter_topic(CONTENT_EVENTS)}/{partition}/{offset}"
    masked = inspector.get(path).json
    assert (masked["masked"], masked["hex"], masked["decoded"]) == (True, None, None)
    capsys.readouterr()
    shown = inspector.get(f"{path}?unmask=1").json
    said = capsys.readouterr()
    assert "unmasked" in said.out + said.err
    assert shown["hex"].startswith("00000000  6e 6f 74 20 41 76 72 6f")
    assert (shown["decoded"], shown["redriven"]) == (None, False)
    assert shown["decode_error"]

    def listed() -> list[bool]:
        rows = inspector.get("dead-letters?rejection_class=RECORD_UNDECODABLE").json["rejections"]
        place = ("partition", "offset")
        return [it["redriven"] for it in rows if [it[n] for n in place] == [partition, offset]]

    assert until(listed) == [False]
    assert inspector.ask("POST", f"/api/v1/{path}/redrive").status == 403
    assert inspector.post(f"{path}/redrive", Origin="http://evil.example").status == 403
    assert inspector.post(f"{path}/redrive", Sec_Fetch_Site="cross-site").status == 403
    assert inspector.post(f"{path}/redrive").json == {"sent": 1}
    assert inspector.post(f"{path}/redrive").status == 409
    assert until(lambda: listed() == [True])
    assert inspector.get(path).json["redriven"] is True


def test_everything_that_is_described_is_there(inspector: Client) -> None:
    document = inspector.get("openapi.json").json
    assert document["openapi"] == "3.1.0"
    paths = {path for path in document["paths"] if "get" in document["paths"][path]}
    assert len(paths) > 15
    for path in sorted(paths - {"/api/v1/stream"}):
        for value in ("nobody", "%00", "-1", "\u202e<", "x" * 500):
            asked = path
            for word in ("content_id", "topic", "partition", "offset", "run"):
                asked = asked.replace(f"{{{word}}}", quote(value, safe="%"))
            status = inspector.get(asked).status
            assert status in {200, 400, 404}, (asked, status)


def test_parameters_out_of_bounds_are_a_mistake_of_who_asks(inspector: Client) -> None:
    for asked in ("items?limit=0", "items?min_score=nan", "items?min_score=2", "drift?days=1e9"):
        answer = inspector.get(asked)
        assert (answer.status, list(answer.json)) == (400, ["error"])


def test_a_server_that_starts_again_neither_loses_nor_doubles(
    stack: Stack, settings: Settings, tmp_path: Path, name: str
) -> None:
    own = settings.model_copy(update={"state": tmp_path})

    def values(client: Client) -> int:
        answer = client.item(name, "/history?signal=text.safety")
        return len(answer.json["values"]) if answer.status == 200 else 0

    send(stack, [signal("text.safety", name)] * 3)
    with serving(own) as client:
        until(lambda: values(client) == 3)
    send(stack, [signal("text.safety", name)] * 2)
    with serving(own) as client:
        until(lambda: client.get("session").json["ready"])
        assert values(client) == 5
    assert index_of(own).exists()


@pytest.mark.weights
def test_what_is_tried_is_scored_and_goes_nowhere(settings: Settings, tmp_path: Path) -> None:
    worker = settings.worker.model_copy(update={"signals": ("text.quality", "audio.integrity")})
    own = settings.model_copy(update={"state": tmp_path, "worker": worker})
    with serving(own) as client, DeadLetters(own.kafka, CONTENT_EVENTS) as before:
        ends = [span.end for span in before.spans()]
        text = json.dumps({"text": "write to ann@example.org", "content_type": "comment"})
        said = client.post("try", text, Content_Type="application/json").json
        assert [each["numbers"]["words"] for each in said["signals"]] == [3]
        wav = (SAMPLES / "jfk.wav").read_bytes()
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        kind = "multipart/form-data; boundary=x"
        heard = client.post("try", form + wav + b"\r\n--x--\r\n", Content_Type=kind).json
        (found,) = [it for it in heard["signals"] if it["name"] == "audio.integrity"]
        assert found["answer"]["codec"] == "pcm_s16le"
        broken = client.post("try", form + b"no audio\r\n--x--\r\n", Content_Type=kind).json
        assert broken["rejection"]["rejection_class"] == "MEDIA_UNRECOGNISED"
        for body, status in ((b"[]", 400), (b"{}", 400), (b"{", 400)):
            assert client.post("try", body, Content_Type="application/json").status == status
        assert client.get("items?id=try").json["items"] == []
        assert [span.end for span in before.spans()] == ends


def test_replays_are_listed_and_only_finished_ones_are_promoted(
    settings: Settings, inspector: Client
) -> None:
    run = f"web-{uuid4().hex[:8]}"
    begun = Manifest(
        run=run,
        source=CONTENT_EVENTS,
        bounds={0: (0, 4)},
        created_ms=1,
        signals=("text.safety",),
    )
    write_run(settings.kafka, begun)
    (row,) = [it for it in inspector.get("replays").json["runs"] if it["name"] == run]
    assert (row["state"], row["progress"], row["items"]) == ("BEGUN", 0, 4)
    answer = inspector.post(f"replays/{run}/promote")
    assert (answer.status, "not finished" in answer.json["error"]) == (409, True)
    write_run(settings.kafka, replace(begun, state=State.ABORTED))


def test_copies_are_found_by_their_fingerprints(stack: Stack, inspector: Client, name: str) -> None:
    rng = np.random.default_rng(3)
    landmarks = Fingerprint(
        hashes_H=rng.integers(0, 2**24, 400, dtype=np.uint32),
        times_H=np.sort(rng.integers(0, 3_000, 400)).astype(np.uint32),
    )
    own = {"hashes": landmarks.packed(), "algorithm": ALGORITHM, "version": VERSION}
    whole = {**own, "kept_share": 1.0, "count": 400}
    copies = [name, f"{name}-copy"]
    send(stack, [signal("audio.fingerprint", it, **whole) for it in copies])
    for it in copies:
        known(inspector, it)
    (found,) = inspector.item(name, "/similar?by=fingerprint").json["items"]
    assert found["content_id"] == copies[1]
    assert found["matched_s"] > 0
