"""The committed records of a topic between two times, and word of how far the reading is."""

from collections.abc import Iterator, Sequence

from confluent_kafka import Message

from earmark.models.source import Progress
from earmark.streams.dead_letter import CommittedReader, Span
from earmark.streams.settings import KafkaSettings

REPORTED = 1_000  # records from one report of progress to the next


def read_topic(
    kafka: KafkaSettings,
    topic: str,
    report: Progress,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> Iterator[Message]:
    """What the topic now holds of the time from `since_ms` to before `until_ms`; see `read_spans`.

    Raises ConfigurationError where there is no such topic.
    """
    with CommittedReader(kafka, topic) as reader:
        yield from read_spans(reader, reader.spans(since_ms, until_ms), report)


def read_spans(
    reader: CommittedReader, spans: Sequence[Span], report: Progress
) -> Iterator[Message]:
    """The records of these spans, partition by partition, in order.

    `report` is told the topic, the offsets passed, and of how many. Raises ServiceError where the
    brokers do not give them.
    """
    total, passed = sum(span.end - span.start for span in spans), 0
    for span in spans:
        for count, message in enumerate(reader.read(span)):
            if count % REPORTED == 0:
                report(reader.topic, passed + (message.offset() or 0) - span.start, total)
            yield message
        passed += span.end - span.start
    report(reader.topic, passed, total)
