"""Puts dead letters back on their topic: none is lost, none goes twice, also when it is killed.

A letter and a marker that says so go out in one transaction. The markers lie on a compacted topic
beside the letters, one for each place; the next run reads them first and leaves out what was sent.
An offset could not say it: letters that a selection leaves out stay behind those that it takes.

The transactional id is fixed by the topic: a second redrive of it ends the first, and what a
killed one left open is aborted before the markers are read.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    NewTopic,
)

from earmark.models.error import ConfigurationError, ServiceError
from earmark.processors.wire import READ_BYTES
from earmark.streams.dead_letter import (
    REDRIVEN_FROM,
    CommittedReader,
    DeadLetter,
    DeadLetters,
    Place,
)
from earmark.streams.error import TransactionError
from earmark.streams.header import ATTEMPT, Headers
from earmark.streams.kafka import BY_KEY, TRANSACTIONAL, client_config, producer_config
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import COMMON, COMPACTED, TIMEOUT_S, dead_letter_topic

COMMIT_TIMEOUT_S = 20.0
LETTERS = 100  # in one transaction
BATCH_BYTES = 16_000_000  # likewise; a letter that is longer goes alone
LONGEST_BYTES = READ_BYTES - 10_000  # the broker takes READ_BYTES, with framing
NO_TIME = -1  # of a marker that was taken back by a tombstone
_FENCED = (
    KafkaError._FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
)

Markers = Mapping[Place, int]  # when the letter at a place that was redriven had arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """What a run did: letters sent, and letters that no broker would take back for their size."""

    sent: int = 0
    too_large: int = 0


def marker_topic(source: str) -> str:
    """Where it is noted which dead letters of `source` were redriven."""
    return f"{dead_letter_topic(source)}.redriven"


def read_markers(kafka: KafkaSettings, source: str, *, wait_s: float = 0.0) -> Markers:
    """Which dead letters of `source` were redriven.

    None where there is no topic of markers, after `wait_s` for a broker that has yet to hear of it.
    """
    markers: dict[Place, int] = {}
    deadline = time.monotonic() + wait_s
    with CommittedReader(kafka, marker_topic(source)) as reader:
        while not reader.partitions():
            if time.monotonic() >= deadline:
                return markers
            time.sleep(0.1)
        for message in (message for span in reader.spans() for message in reader.read(span)):
            place, timestamp = _marker(message.key(), message.value())
            markers[place] = timestamp
    return markers


def was_redriven(letter: DeadLetter, markers: Markers) -> bool:
    """Whether the letter was; a topic made anew has other letters at the same places."""
    return markers.get(letter.place) == letter.timestamp


def redriven_headers(letter: DeadLetter, *, topic: str) -> Headers:
    """The record's own headers, how often it was tried, and the place on `topic` it is from."""
    return [
        *letter.own_headers,
        (ATTEMPT, str(letter.attempt).encode()),
        (REDRIVEN_FROM, f"{topic}-{letter.place}".encode()),
    ]


class Redriver:
    """Redrives letters of `letters.source`; for one thread, one at a time for each topic."""

    def __init__(self, kafka: KafkaSettings, letters: DeadLetters) -> None:
        self._kafka = kafka
        self._letters = letters
        self._markers = marker_topic(letters.source)
        self._partitions = 0  # of the topic that letters go back to
        self._producer = _producer(kafka, letters.source)

    def run(
        self,
        places: Collection[Place],
        *,
        batch: int = LETTERS,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> Redriven:
        """Redrive the letters at `places` that were not before, `batch` in one transaction.

        `on_sent` is told after each how many went by then. Raises TransactionError when Kafka did
        not take one, or another redrive of the topic began: another run takes up what did not go.
        """
        _make_marker_topic(self._kafka, self._markers)
        self._guarded(lambda: self._producer.init_transactions(COMMIT_TIMEOUT_S))
        self._partitions = self._count_partitions()
        # read after others are fenced: nobody can add to them now
        markers = read_markers(self._kafka, self._letters.source, wait_s=TIMEOUT_S)
        sent = too_large = 0
        waiting = (it for it in self._letters.at(places) if not was_redriven(it, markers))
        for group in _batches(waiting, batch):
            fitting = [letter for letter in group if _size(letter) <= LONGEST_BYTES]
            self._send(fitting)
            sent += len(fitting)
            too_large += len(group) - len(fitting)
            on_sent(sent)
        return Redriven(sent=sent, too_large=too_large)

    def _send(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            self._guarded(lambda: self._transact(letters))

    def _transact(self, letters: Sequence[DeadLetter]) -> None:
        self._producer.begin_transaction()
        committed = False
        try:
            for letter in letters:
                self._produce(letter)
            self._producer.commit_transaction(COMMIT_TIMEOUT_S)
            committed = True
        finally:
            if not committed:  # an open transaction would hold up the topic's readers
                with suppress(KafkaException):
                    self._producer.abort_transaction(COMMIT_TIMEOUT_S)

    def _produce(self, letter: DeadLetter) -> None:
        number = letter.partition_in(self._letters.source)
        # where the record lay at first, which its key alone does not say: order is kept there
        known = number is not None and number < self._partitions
        self._producer.produce(
            self._letters.source,
            letter.value,
            letter.key,
            number if known and number is not None else BY_KEY,
            headers=redriven_headers(letter, topic=self._letters.topic),
        )
        marker = {"timestamp": letter.timestamp, "attempt": letter.attempt}
        self._producer.produce(
            self._markers, json.dumps(marker).encode(), str(letter.place).encode()
        )

    def _count_partitions(self) -> int:
        with CommittedReader(self._kafka, self._letters.source) as reader:
            return len(reader.spans())

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except KafkaException as error:
            cause: KafkaError = error.args[0]
            raise TransactionError(self._reason(cause)) from error

    def _reason(self, cause: KafkaError) -> str:
        if cause.code() in _FENCED:
            return (
                f"another redrive of {self._letters.source} has begun, which ends this one; "
                "no letter is lost or goes twice"
            )
        return f"Kafka transaction failed: {cause.name()}: {cause.str()}"


def _batches(letters: Iterable[DeadLetter], most: int) -> Iterator[list[DeadLetter]]:
    """Read before a transaction begins, so that it waits for nothing but its own records."""
    group: list[DeadLetter] = []
    size = 0
    for letter in letters:
        if group and (len(group) >= most or size + _size(letter) > BATCH_BYTES):
            yield group
            group, size = [], 0
        group.append(letter)
        size += _size(letter)
    if group:
        yield group


def _size(letter: DeadLetter) -> int:
    """Bytes of the letter once it is redriven, but for a few."""
    headers = sum(len(name) + len(value or b"") for name, value in letter.own_headers)
    return len(letter.key or b"") + len(letter.value or b"") + headers


def _marker(key: bytes | None, value: bytes | None) -> tuple[Place, int]:
    try:
        place = Place.parse((key or b"").decode())
        return place, NO_TIME if value is None else int(json.loads(value)["timestamp"])
    except (ConfigurationError, ValueError, KeyError, TypeError) as error:
        # left out, it could let a letter go twice
        raise ServiceError(f"{key!r} on the topic of redriven letters is no marker") from error


def _make_marker_topic(kafka: KafkaSettings, name: str) -> None:
    topic = NewTopic(
        name,
        num_partitions=1,  # one redrive writes it, and reads it whole
        replication_factor=kafka.replication_factor,
        config=COMMON | COMPACTED,
    )
    admin = AdminClient(client_config(kafka))
    try:
        admin.create_topics([topic], operation_timeout=TIMEOUT_S)[name].result(TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise ServiceError(f"topic {name}: {error.args[0].str()}") from error


def _producer(kafka: KafkaSettings, source: str) -> Producer:
    own: dict[str, object] = {
        **TRANSACTIONAL,
        "transactional.id": f"earmark-redrive-{source}",
        "message.max.bytes": READ_BYTES,
    }
    try:
        return Producer(producer_config(kafka, own))
    except (KafkaException, TypeError) as error:
        raise ConfigurationError(f"setting kafka: {error}") from error
