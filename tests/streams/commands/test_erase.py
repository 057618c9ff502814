"""`earmark erase` on the real broker: what is erased is gone, stays away, and can be proved."""

import json
import time
import uuid
import wave
from collections.abc import Iterator, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import confluent_kafka
import numpy as np
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import TopicPartition
from rich.console import Console

from earmark.models.fingerprint import Fingerprint
from earmark.processors.codec import encode_event
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.schema import schema_of
from earmark.streams.commands.dlq import dlq
from earmark.streams.commands.erase import erase, findings_table
from earmark.streams.erasure_proof import Remnant, StoreFinding, StoreState
from earmark.streams.fingerprint_index import FingerprintIndex, IndexedItem
from earmark.streams.kafka import client_config, producer_config
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.promotion import PROMOTE_TO
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings, with_worker
from earmark.streams.subscriber import ReceivedSignal, subscribe
from earmark.streams.topic import (
    CONTENT_EVENTS,
    ITEMS,
    PROMOTIONS,
    RECEIPTS,
    dead_letter_topic,
    retry_topic,
)
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.place import index_of
from tests.streams.web.held import event as shown
from tests.streams.web.held import put as put_rows

pytestmark = [pytest.mark.kafka, pytest.mark.weights]

LANGUAGE, INTEGRITY = "text.language", "audio.integrity"
ON_LANGUAGE, ON_INTEGRITY = "signals.text.language.v1", "signals.audio.integrity.v1"
LATE = 2**60  # a producer's revisions may be above any time in microseconds
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    return with_worker(stack.settings, signals=(LANGUAGE, INTEGRITY), decoders=1)


@pytest.fixture(scope="module")
def worker(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    process = WorkerProcess(settings, log_dir=tmp_path_factory.mktemp("worker"))
    process.start()
    try:
        yield
    finally:
        process.stop()


@pytest.fixture
def item() -> str:
    return uuid.uuid4().hex


@pytest.fixture(autouse=True)
def reached(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EARMARK_KAFKA__BOOTSTRAP_SERVERS", settings.kafka.bootstrap_servers)
    monkeypatch.setenv("EARMARK_REGISTRY__URL", settings.registry.url)
    monkeypatch.setenv("EARMARK_STATE", str(settings.state_folder))


def run(*arguments: object) -> Result:
    words = [str(word) for word in arguments]
    return CliRunner().invoke(erase, words, catch_exceptions=False)


def verified(item: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and what is said of the item; `stores` by name."""
    result = run(item, "--verify", "--json", *options)
    (said,) = map(json.loads, result.stdout.splitlines())
    return result.exit_code, said | {"stores": {it["store"]: it for it in said["stores"]}}


def states(said: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    return {name: (it["state"], len(it["records"])) for name, it in said["stores"].items()}


def tone() -> bytes:
    recording = BytesIO()
    with wave.open(recording, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(250)) * 32)
    return recording.getvalue()


def event(item: str, revision: int, text: str, audio: bytes | None = None) -> ContentEvent:
    return ContentEvent(
        event_id=f"{item}-{revision}",
        content_id=item,
        revision=revision,
        texts=(Text(field="title", text=text),),
        audio=None if audio is None else Audio(data=audio),
    )


def fingerprinted(item: str) -> IndexedItem:
    landmarks = Fingerprint(hashes_H=np.arange(9, dtype=np.uint32), times_H=np.zeros(9, np.uint32))
    return IndexedItem(content_id=item, fingerprint=landmarks, duration_ms=1_000, pcm_digest="")


def send(settings: Settings, *events: ContentEvent, partition: int = -1) -> None:
    with Producer(settings) as producer:
        for each in events:
            producer.send(each, partition=partition)


def receipts(settings: Settings, item: str, until: int) -> list[ReceivedSignal]:
    """Those of the item, as soon as there are so many."""
    with subscribe(RECEIPTS, settings=settings, from_beginning=True, timeout_s=60) as found:
        own = []
        for each in found:
            own += [each] if each.key == item else []
            if len(own) == until:
                return own
    raise AssertionError(own)


def put(settings: Settings, topic: str, item: str, value: bytes) -> None:
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    producer.produce(topic, value, item.encode())
    assert producer.flush(30) == 0


def promote(settings: Settings, item: str) -> None:
    """Promote an answer of the item once more, and wait until the worker has taken it up."""
    with subscribe(LANGUAGE, settings=settings, from_beginning=True, timeout_s=5) as found:
        value = next(each.value for each in found if each.key == item)
    producer = confluent_kafka.Producer(producer_config(settings.kafka))
    landed: list[TopicPartition] = []
    producer.produce(
        PROMOTIONS,
        value,
        item.encode(),
        headers=[(PROMOTE_TO, ON_LANGUAGE.encode())],
        on_delivery=lambda _, it: landed.append(
            TopicPartition(PROMOTIONS, it.partition(), it.offset())
        ),
    )
    assert producer.flush(30) == 0
    own = {"group.id": settings.kafka.group_id, "enable.auto.commit": False}
    with closing(confluent_kafka.Consumer(client_config(settings.kafka, own))) as consumer:
        deadline = time.monotonic() + 30
        while consumer.committed(landed)[0].offset <= landed[0].offset:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def redrive(item: str) -> dict[str, int]:
    words = ["redrive", "--key", item, "--json"]
    result = CliRunner().invoke(dlq, words, catch_exceptions=False)
    told: dict[str, int] = json.loads(result.stdout)
    return told


@pytest.mark.usefixtures("worker")
def test_what_is_erased_is_gone_from_every_store_and_stays_away(
    settings: Settings, item: str
) -> None:
    first = event(item, LATE + 1, "The river runs quietly by", tone())
    second = event(item, LATE + 2, "An old mill stands on the hill", b"no recording")
    send(settings, first, second)
    receipts(settings, item, 2)
    with FingerprintIndex(settings.fingerprint_index) as index:
        index.write([fingerprinted(item)])
    inspected = index_of(settings)
    with closing(IndexFile(inspected)) as inspector:
        put_rows(inspector, shown(item, ("title", "to be erased")))

    status, said = verified(item)
    found = states(said)
    assert status == 0, said
    assert found["<state>/fingerprints.sqlite"] == ("GONE", 0)
    assert found[f"<state>/{inspected.relative_to(settings.state_folder)}"] == ("GONE", 0)
    assert (said["sent"], said["revision"]) == (True, LATE + 3)
    assert found[CONTENT_EVENTS] == ("HELD", 2)
    assert found["content.events.v1.dlq"] == found["rejections.v1"] == ("HELD", 1)
    assert found[RECEIPTS] == ("COVERED", 2)
    assert found[ON_LANGUAGE] == found[ON_INTEGRITY] == ("COVERED", 2)
    assert found["signals.audio.transcript.v1"] == ("GONE", 0)
    assert found[ITEMS] == ("COVERED", 2)
    ends = {name: it["until"] for name, it in said["stores"].items()}
    now_ms = time.time() * 1000
    assert 7.9 * DAY_MS < ends[ON_LANGUAGE] - now_ms < 8.1 * DAY_MS
    assert said["until"] == max(filter(None, ends.values())) > now_ms + 30 * DAY_MS

    # its dead letter stays where it is; what comes by other ways finds it gone
    assert redrive(item) == {"redriven": 0, "too_large": 0, "erased": 1}
    send(settings, first)
    with Registry(settings.registry) as registry:
        schema_id = registry.id_of(schema_of(CONTENT_EVENTS)) or 0
    put(settings, retry_topic(CONTENT_EVENTS), item, encode_event(second, schema_id))
    promote(settings, item)
    after = receipts(settings, item, 5)[3:]
    assert [each.record["disposition"] for each in after] == ["SUPERSEDED"] * 2
    status, said = verified(item)
    assert (status, said["sent"]) == (0, False)
    again = states(said)
    assert [again[name] for name in (ON_LANGUAGE, ON_INTEGRITY)] == [("COVERED", 2)] * 2
    assert again[CONTENT_EVENTS] == ("HELD", 3)
    assert again[retry_topic(CONTENT_EVENTS)] == again[PROMOTIONS] == ("HELD", 1)

    # a later revision is its producer's will
    later = encode_event(event(item, LATE + 4, "The river"), schema_id)
    put(settings, dead_letter_topic(CONTENT_EVENTS), item, later)
    assert redrive(item) == {"redriven": 1, "too_large": 0, "erased": 1}


@pytest.mark.usefixtures("worker")
def test_an_item_is_erased_wherever_its_events_were_put(settings: Settings, item: str) -> None:
    for partition in (0, 1):  # its key says one of these at most
        send(settings, event(item, 1, "The river runs"), partition=partition)
    receipts(settings, item, 2)
    status, said = verified(item)
    assert status == 0, said
    last = {each.partition: each.record for each in receipts(settings, item, 4)}
    assert {it["event_id"] for it in last.values()} == {said["event_id"]}
    assert states(said)[ITEMS] == ("COVERED", 2)


@pytest.mark.usefixtures("worker")
def test_an_answer_that_stands_again_is_found(settings: Settings, item: str) -> None:
    send(settings, event(item, 1, "The river runs"))
    receipts(settings, item, 1)
    told = run(item).stdout
    assert f"{item}: deleted at revision" in told
    with subscribe(LANGUAGE, settings=settings, from_beginning=True, timeout_s=5) as found:
        value = next(each.value for each in found if each.key == item)
    put(settings, ON_LANGUAGE, item, value or b"")
    status, said = verified(item)
    store = said["stores"][ON_LANGUAGE]
    assert (status, said["erased"], store["state"]) == (1, False, "STILL_THERE")
    assert f"{store['records'][-1]['place']} stands: no tombstone" in store["reason"]
    page = run(item, "--verify").stdout
    assert f"{item}: NOT erased" in page
    assert "STILL_THERE" in page


def test_on_80_columns_no_name_of_a_store_is_broken() -> None:
    long = "replay.a-run-with-quite-a-long-name.signals.audio.spoken_language.v1"
    gone = [f"signals.audio.kind_{number}.v1" for number in range(60)]
    remnants = (Remnant(partition=0, offset=7, arrived_ms=1, until_ms=1),)
    findings = [
        StoreFinding(store=long, state=StoreState.HELD, remnants=remnants),
        StoreFinding(store="s", state=StoreState.STILL_THERE, reason="0-7 stands: no tombstone"),
        *(StoreFinding(store=name, state=StoreState.GONE) for name in gone),
    ]
    console = Console(width=80)
    with console.capture() as captured:
        console.print(findings_table(findings))
    page = captured.get()
    assert all(name in page for name in (long, *gone, "0-7 stands: no tombstone"))
    assert "GONE from 60 stores:" in page
    assert max(map(len, page.splitlines())) <= 80
    assert len(page.splitlines()) < 40


def test_a_record_under_a_strange_key_is_found(settings: Settings, item: str) -> None:
    with Registry(settings.registry) as registry:
        schema_id = registry.id_of(schema_of(CONTENT_EVENTS)) or 0
    value = encode_event(event(item, 1, "The river runs"), schema_id)
    letters = dead_letter_topic(CONTENT_EVENTS)
    put(settings, letters, "another", value)
    put(settings, letters, "no event", b"\x00" + item.encode())
    _, said = verified(item, "--dry-run")
    assert len(said["stores"][letters]["records"]) == 2
