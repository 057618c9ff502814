"""Reads what a partition's state lacks from the topics, before anything of it is judged."""

import time
from collections.abc import Callable

import structlog
from confluent_kafka import Message

from earmark.streams.catch_up import CatchUp, Offsets
from earmark.streams.judging.channel import Channels
from earmark.streams.judging.state import Arrival, PartitionState
from earmark.streams.settings import KafkaSettings
from earmark.streams.topic import REVIEW_REQUESTS, VERDICTS

log = structlog.get_logger()

Hold = Callable[[PartitionState, Arrival], None]  # take a record over, without judging


class Restorer:
    """Brings the states of partitions up to the ends of their topics; for one thread."""

    def __init__(self, kafka: KafkaSettings, channels: Channels) -> None:
        self._channels = channels
        self._topics = (*channels.inputs, VERDICTS, REVIEW_REQUESTS)
        self._records = CatchUp(kafka, f"{channels.group(kafka)}-restore")

    @property
    def cluster_id(self) -> str:
        """Names the cluster; raises ServiceError where it does not answer."""
        return self._records.cluster_id

    def restore(self, number: int, state: PartitionState, hold: Hold) -> None:
        """Bring `state` up to the ends of partition `number` of all topics.

        Raises ServiceError where the brokers do not give them.
        """
        started = time.monotonic()
        count = self._restore(number, state, hold)
        seconds = round(time.monotonic() - started, 3)
        log.info("state restored", partition=number, read=count, seconds=seconds)

    def close(self) -> None:
        """Leave the brokers."""
        self._records.close()

    def _restore(self, number: int, state: PartitionState, hold: Hold) -> int:
        state.keep_topics(self._topics)
        actual = self._channels.actual
        bounds = {topic: self._records.bounds(actual(topic), number) for topic in self._topics}
        behind = any(state.position(topic) < end for topic, (_, end) in bounds.items())
        ahead = any(state.position(topic) > end for topic, (_, end) in bounds.items())
        if ahead or (behind and state.is_stale()):  # the topics were made anew, or have forgotten
            log.warning("state made again", partition=number)
            state.clear()
        starts = {topic: max(first, state.position(topic)) for topic, (first, _) in bounds.items()}
        wanted = {topic: end for topic, (_, end) in bounds.items() if starts[topic] < end}
        count = 0
        if wanted:
            count = self._read(
                number, {topic: starts[topic] for topic in wanted}, wanted, state, hold
            )
            state.forget_requests_of_the_gone()
        state.commit()
        return count

    def _read(
        self, number: int, starts: Offsets, ends: Offsets, state: PartitionState, hold: Hold
    ) -> int:
        actual, live = self._channels.actual, self._channels.live
        count = 0
        for messages, positions in self._records.read(
            number,
            {actual(topic): offset for topic, offset in starts.items()},
            {actual(topic): offset for topic, offset in ends.items()},
        ):
            for message in messages:
                hold(state, _arrival(live(message.topic() or ""), message))
            for topic, offset in positions.items():
                state.advance(live(topic), offset)
            state.commit()
            count += len(messages)
        return count


def _arrival(topic: str, message: Message) -> Arrival:
    return Arrival(
        topic=topic,
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        content_id=(message.key() or b"").decode(errors="replace"),
        payload=message.value(),
        at_ms=message.timestamp()[1],
    )
