"""Audio that lies in records: read back from the real broker, or said to be gone."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient

from earmark.processors.codec import decode_event, encode_event, event_codec
from earmark.processors.content import Audio, ContentEvent, Text
from earmark.processors.error import ContentError
from earmark.processors.schema import CONTENT_EVENTS, ITEMS, LONG_EVENTS
from earmark.streams import circuit, inline_audio
from earmark.streams.error import TransientError
from earmark.streams.fetch import Fetcher
from earmark.streams.inline_audio import InlineAudio
from earmark.streams.kafka import producer_config
from earmark.streams.local.port import free_port
from earmark.streams.local.stack import Stack
from earmark.streams.local.worker import WorkerProcess
from earmark.streams.producer import Producer
from earmark.streams.registry import Registry
from earmark.streams.settings import KafkaSettings, MediaSettings, Settings, with_worker
from earmark.streams.subscriber import subscribe

SAMPLES = Path(__file__).resolve().parents[2] / "streams" / "samples"
SONG = bytes(range(256)) * 700
EVENT = ContentEvent(event_id="e", content_id="inline", audio=Audio(data=SONG))

Write = Callable[..., str]  # an event, or bytes; the uri of its record


def uri_of(topic: str, partition: int, offset: int) -> str:
    return f"kafka://{topic}/{partition}/{offset}"


@pytest.fixture(scope="module")
def write(stack: Stack) -> Write:
    """Puts records on a topic that no worker of the tests reads."""
    with Registry(stack.settings.registry) as registry:
        schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
    producer = confluent_kafka.Producer(producer_config(stack.settings.kafka))

    def put(event: ContentEvent | bytes | None, *, key: str = "inline") -> str:
        written: list[Message] = []
        value = encode_event(event, schema_id) if isinstance(event, ContentEvent) else event
        producer.produce(
            LONG_EVENTS, value, key, partition=3, on_delivery=lambda _, m: written.append(m)
        )
        assert producer.flush(10) == 0
        return uri_of(LONG_EVENTS, 3, written[0].offset() or 0)

    return put


@pytest.fixture
def reader(stack: Stack) -> Iterator[InlineAudio]:
    with Registry(stack.settings.registry) as registry:
        codec = event_codec(registry.schema_by_id)
        made = InlineAudio(stack.settings.kafka, lambda payload: decode_event(payload, codec))
        yield made
        made.close()


def audio(uri: str, data: bytes = SONG) -> Audio:
    return Audio(uri=uri, sha256=sha256(data).hexdigest())


def problem(reader: InlineAudio, uri: str) -> ContentError:
    with pytest.raises(ContentError) as caught:
        reader.read(audio(uri))
    return caught.value


@pytest.mark.kafka
def test_the_bytes_are_those_that_the_event_carried(
    write: Write, reader: InlineAudio, tmp_path: Path
) -> None:
    uri = write(EVENT)
    fetcher = Fetcher(MediaSettings(), inline=reader, spool_parent=tmp_path)
    with fetcher.fetch(audio(uri)) as media:
        assert media.content == SONG
    fetcher.close()


@pytest.mark.kafka
@pytest.mark.weights
def test_a_worker_answers_a_reference_as_it_does_what_carried_the_audio(
    stack: Stack, tmp_path: Path
) -> None:
    # without a cache, so that the second is heard and not taken from the first
    own = {"signals": ("audio.integrity",), "decoders": 1, "answer_cache_bytes": 0}
    settings = with_worker(stack.settings, **own)
    item, data = uuid.uuid4().hex, (SAMPLES / "jfk.wav").read_bytes()
    send(settings, replace(EVENT, content_id=item, audio=Audio(data=data)))
    process = WorkerProcess(settings, log_dir=tmp_path)
    process.start()
    try:
        with subscribe(ITEMS, settings=settings, from_beginning=True, timeout_s=60) as items:
            kept = next(each.record for each in items if each.key == item)
        by_reference = Audio(**kept["audio"])
        send(settings, replace(EVENT, content_id=f"{item}-again", audio=by_reference))
        first, second = _answers(settings, item)
    finally:
        process.stop()
    assert (by_reference.data, (by_reference.uri or "")[:8]) == (None, "kafka://")
    assert (first["outcome"], second["outcome"]) == ("OK", "OK")
    assert first["provenance"] == second["provenance"]


def send(settings: Settings, event: ContentEvent) -> None:
    with Producer(settings) as producer:
        producer.send(event)


def _answers(settings: Settings, item: str) -> list[Mapping[str, Any]]:
    names = ("audio.integrity",)
    with subscribe(*names, settings=settings, from_beginning=True, timeout_s=60) as signals:
        return list(islice((s.record for s in signals if s.key.startswith(item)), 2))


@pytest.mark.kafka
def test_several_threads_read_at_once_each_what_it_asked_for(
    write: Write, reader: InlineAudio
) -> None:
    songs = [SONG + b"%d" % number for number in range(40)]
    uris = [write(replace(EVENT, audio=Audio(data=song))) for song in songs]
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(reader.read, map(audio, uris, songs))
        assert list(found) == songs


@pytest.mark.kafka
def test_a_record_that_retention_has_taken_is_gone(
    stack: Stack, write: Write, reader: InlineAudio
) -> None:
    uri, kept = write(EVENT), write(EVENT)
    first = int(kept.rpartition("/")[2])
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(LONG_EVENTS, 3, first)]).values():
        future.result(10)
    error = problem(reader, uri)
    assert error.rejection_class == "MEDIA_GONE"
    assert f"it now begins at offset {first}" in error.reason
    assert reader.read(audio(kept)) == SONG


@pytest.mark.kafka
def test_a_record_that_is_another_is_not_taken_for_it(write: Write, reader: InlineAudio) -> None:
    text = replace(EVENT, audio=None, texts=(Text(field="title", text="T"),))
    by_reference = replace(EVENT, audio=Audio(uri="https://example.org/a.wav"))
    for uri in (
        write(replace(EVENT, audio=Audio(data=b"another song"))),
        write(text),
        write(by_reference),
        write(EVENT, key="another item"),
        write(b"no event at all"),
        write(None),
    ):
        assert problem(reader, uri).rejection_class == "MEDIA_GONE"


@pytest.mark.kafka
def test_a_place_without_a_committed_record_is_gone(
    stack: Stack, write: Write, reader: InlineAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline_audio, "END_S", 0.5)
    own = {"transactional.id": uuid.uuid4().hex}
    producer = confluent_kafka.Producer(producer_config(stack.settings.kafka, own))
    producer.init_transactions(20)
    producer.begin_transaction()
    aborted: list[Message] = []
    value = encode_event(EVENT, 1)
    producer.produce(
        LONG_EVENTS, value, "inline", partition=3, on_delivery=lambda _, m: aborted.append(m)
    )
    producer.flush(10)
    producer.abort_transaction(20)
    after = int(write(EVENT).rpartition("/")[2])
    for offset, words in (
        (aborted[0].offset() or 0, "one behind it follows"),
        (after + 10, "ends at offset"),
    ):
        error = problem(reader, uri_of(LONG_EVENTS, 3, offset))
        assert error.rejection_class == "MEDIA_GONE"
        assert words in error.reason
    assert problem(reader, uri_of(LONG_EVENTS, 99, 0)).rejection_class == "MEDIA_GONE"


@pytest.mark.kafka
def test_a_reader_outlives_what_it_did_not_find(write: Write, reader: InlineAudio) -> None:
    uri = write(EVENT)
    problem(reader, uri_of(LONG_EVENTS, 99, 0))
    assert reader.read(audio(uri)) == SONG


@pytest.mark.parametrize(
    "uri",
    [
        "kafka://signals.text.safety.v1/0/0",
        "kafka://content.receipts.v1/0/0",
        "kafka://content.events.v1",
        "kafka://content.events.v1/0",
        "kafka://content.events.v1/-1/0",
        "kafka://content.events.v1/0/٣",
        "kafka://content.events.v1/0/0?group=x",
        "kafka://user@content.events.v1/0/0",
    ],
)
def test_other_topics_and_malformed_places_are_refused(uri: str) -> None:
    reader = InlineAudio(KafkaSettings(), decode_event)
    assert problem(reader, uri).rejection_class == "URI_REFUSED"


def test_who_does_not_state_the_digest_cannot_point_at_the_audio_of_others() -> None:
    with pytest.raises(ContentError, match="sha256 must be stated"):
        InlineAudio(KafkaSettings(), decode_event).read(Audio(uri=uri_of(CONTENT_EVENTS, 0, 0)))


def test_without_kafka_it_is_refused_and_said_why(tmp_path: Path) -> None:
    fetcher = Fetcher(MediaSettings(), spool_parent=tmp_path)
    with pytest.raises(ContentError, match="by workers only") as caught:
        fetcher.fetch(audio(uri_of(CONTENT_EVENTS, 0, 0)))
    assert caught.value.rejection_class == "URI_REFUSED"
    fetcher.close()


def test_brokers_that_do_not_answer_are_tried_again_and_then_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inline_audio, "ANSWER_S", 0.2)
    monkeypatch.setattr(inline_audio, "END_S", 0.2)
    kafka = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    reader = InlineAudio(kafka, decode_event)
    with pytest.raises(TransientError):
        reader.read(audio(uri_of(CONTENT_EVENTS, 0, 0)))
    fetcher = Fetcher(MediaSettings(attempts=1), inline=reader, spool_parent=tmp_path)
    for _ in range(circuit.FAILURES):
        with pytest.raises(ContentError) as caught:
            fetcher.fetch(audio(uri_of(CONTENT_EVENTS, 0, 0)))
        assert caught.value.rejection_class == "MEDIA_UNREACHABLE"
    with pytest.raises(ContentError, match="has not answered others"):
        fetcher.fetch(audio(uri_of(CONTENT_EVENTS, 0, 0)))
    fetcher.close()
