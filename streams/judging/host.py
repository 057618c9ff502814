"""What the Faust app holds: opened before it runs, tended while it does, closed after.

Everything here but the views runs in the loop of the app.
"""

import asyncio
import time
from collections.abc import Awaitable, Collection, Sequence
from contextlib import ExitStack
from typing import Any

import structlog
from faust.types import TP, ConsumerMessage, RecordMetadata

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.health import Health
from earmark.streams.judging.channel import Channels, topics_of
from earmark.streams.judging.committed import CommittedApp
from earmark.streams.judging.desk import WRITER, Desk, Outgoing, Taken
from earmark.streams.judging.metrics import AgentMetrics
from earmark.streams.judging.policy_shelf import PolicyWatch
from earmark.streams.judging.record import Records
from earmark.streams.judging.restore import Restorer
from earmark.streams.judging.state import Arrival
from earmark.streams.judging.triage import Triage
from earmark.streams.judging.view import Sight, ViewServer
from earmark.streams.registry import Registry
from earmark.streams.review.desk import options_of
from earmark.streams.settings import Settings
from earmark.streams.topic import VERDICTS, Topic, contract, make_topics

log = structlog.get_logger()

TEND_S = 1.0
REJUDGED = 100  # items at once, between which live records have their turn


class Host:
    """The desk with all that it needs, for an `app` that reads these `channels`."""

    def __init__(
        self, app: CommittedApp, settings: Settings, watch: PolicyWatch, channels: Channels
    ) -> None:
        self.metrics, self.health = AgentMetrics(), Health()
        self._app = app
        self._settings = settings
        self._watch = watch
        self._channels = channels
        self._undo = ExitStack()
        self._desk: Desk | None = None
        self._assigned: frozenset[TP] = frozenset()
        self._lag: dict[str, int] = {}
        self._unjudged: set[int] = set()
        self._turn = asyncio.Event()
        self._read_at = time.monotonic()

    @property
    def desk(self) -> Desk:
        """Where records are judged; ServiceError before `open`."""
        if self._desk is None:
            raise ServiceError("the agents were not opened")
        return self._desk

    def open(self) -> None:
        """Reach brokers and registry, and begin to answer by HTTP.

        Does nothing where that is done. Raises ServiceError where they do not answer, and
        ConfigurationError for a schema that is not registered or a port that is taken.
        """
        if self._desk is not None:
            return
        settings, channels = self._settings, self._channels
        registry = self._undo.enter_context(Registry(settings.registry))
        records = Records(registry, (*channels.inputs, VERDICTS))
        restorer = Restorer(settings.kafka, channels)
        self._undo.callback(restorer.close)
        self._make_topics_of_shadow()
        settings.state_folder.mkdir(parents=True, exist_ok=True)  # Faust makes a folder in it
        group = channels.group(settings.kafka)
        folder = settings.state_folder / restorer.cluster_id / group
        self._desk = Desk(
            self._watch.shelf,
            folder=folder / settings.kafka.slot,
            records=records,
            restorer=restorer,
            channels=channels,
            group=group,
            triage=Triage(options_of(settings)),
            metrics=self.metrics,
            send=self._send,
        )
        self.metrics.policies.set(len(self._watch.shelf.policies))
        self._serve(records)

    @property
    def batch_wait_s(self) -> float:
        """How long a batch is gathered."""
        return self._settings.agents.batch_wait_s

    async def take(self, messages: Sequence[ConsumerMessage]) -> None:
        """Take records as Faust brings them."""
        await self.desk.take([self._arrival(message) for message in messages])

    async def tend(self) -> None:
        """Look after lag and policies until cancelled; raises ServiceError to be started again."""
        while True:
            self._note_lag()
            if time.monotonic() - self._read_at >= self._settings.agents.reload_s:
                self._read_at = time.monotonic()
                self._renew_policies()
            await asyncio.sleep(TEND_S)

    async def rejudge(self) -> None:
        """Judge anew what was judged under other policies, a few items at a time."""
        while True:
            for number in sorted(self._unjudged):
                while await self.desk.judge_on(number, REJUDGED):
                    await asyncio.sleep(0)
                self._unjudged.discard(number)
                self.metrics.waiting.set(len(self._unjudged))
            self._turn.clear()
            await self._turn.wait()

    async def on_assigned(self, _: Any, /, *assigned: Any, **__: Any) -> None:
        """Restore the partitions while the group comes to rest; called by Faust."""
        before, self._assigned = self._assigned, frozenset(*assigned)
        for gone in before - self._assigned:  # their new owner shows them
            labels = {"topic": self._channels.live(gone.topic), "partition": str(gone.partition)}
            self.metrics.lag.remove_by_labels(labels)
        self._app.add_future(self._assign(self._assigned))

    async def close(self) -> None:
        """Stop answering and leave the brokers."""
        self.health.draining()
        if self._desk is not None:
            await self._desk.close()
        self._undo.close()

    async def _assign(self, assigned: Collection[TP]) -> None:
        numbers = {partition.partition for partition in assigned}
        await self.desk.assign(numbers)
        self._judge_anew(numbers)
        self.health.ready()
        log.info("assigned", partitions=len(numbers))

    def _arrival(self, message: ConsumerMessage) -> Arrival:
        writer = dict(message.headers or ()).get(WRITER)
        return Arrival(
            topic=self._channels.live(message.topic),
            partition=message.partition,
            offset=message.offset,
            content_id=(message.key or b"").decode(errors="replace"),
            payload=message.value,
            at_ms=round(message.timestamp * 1000),  # Faust has seconds
            writer=writer.decode(errors="replace") if isinstance(writer, bytes) else None,
        )

    async def _send(self, outgoing: Outgoing) -> Awaitable[Taken]:
        topic = self._channels.actual(outgoing.topic)
        waiting = await self._app.producer.send(
            topic,
            outgoing.content_id.encode(),
            outgoing.value,
            None,  # the partition: by key
            None,  # the time: the broker's
            [(name, value) for name, value in outgoing.headers if isinstance(value, bytes)],
        )
        return _taken(waiting)

    def _renew_policies(self) -> None:
        try:
            if not self._watch.renewed():
                return
        except ConfigurationError as error:
            self.metrics.policy_errors.inc()
            log.warning("policies not put in force", reason=str(error))
            return
        shelf = self._watch.shelf
        if lacking := set(topics_of(shelf.signals)) - set(self._channels.signals):
            raise ServiceError(f"policies look at {', '.join(sorted(lacking))} too: starting again")
        self.desk.shelf = shelf
        self.metrics.policies.set(len(shelf.policies))
        log.info("policies in force", digest=shelf.digest, policies=len(shelf.policies))
        self._judge_anew(self.desk.paths)

    def _judge_anew(self, numbers: Collection[int]) -> None:
        self._unjudged |= set(numbers)
        self.metrics.waiting.set(len(self._unjudged))
        self._turn.set()

    def _note_lag(self) -> None:
        """How far the ends that the brokers last told are ahead; markers of transactions count."""
        lag: dict[str, int] = {}
        for partition in self._assigned:
            topic = self._channels.live(partition.topic)
            position = self.desk.position(partition.partition, topic)
            end = self._app.consumer.highwater(partition)
            behind = max(0, (end or 0) - (position or 0))
            lag[topic] = lag.get(topic, 0) + behind
            self.metrics.lag.labels(topic, partition.partition).set(behind)
        self._lag = lag

    def _serve(self, records: Records) -> None:
        desk, agents = self.desk, self._settings.agents
        sight = Sight(
            health=self.health,
            metrics=self.metrics.registry,
            records=records,
            paths=lambda: desk.paths,
            shelf=lambda: desk.shelf,
            lag=lambda: self._lag,
            rejudging=lambda: len(self._unjudged),
        )
        server = ViewServer(sight, host=agents.http_host, port=agents.http_port)
        self._undo.callback(server.close)
        log.info("views", port=server.port)

    def _make_topics_of_shadow(self) -> None:
        if self._channels.shadow is None:
            return
        written = [topic for topic in contract() if self._channels.actual(topic.name) != topic.name]
        own = [Topic(name=self._channels.actual(each.name), config=each.config) for each in written]
        kafka = self._settings.kafka
        make_topics(kafka, own, partitions=kafka.partitions)


async def _taken(waiting: Awaitable[RecordMetadata]) -> Taken:
    metadata = await waiting
    return Taken(offset=metadata.offset, at_ms=int(metadata.timestamp or 0))
