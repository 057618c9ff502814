"""Ends the transactions that workers left open when they died.

Readers of what is committed wait behind an open transaction until the broker ends it, 15 to 25 s
after it began, and so does whoever takes over the partitions. Who begins anew under its
transactional id ends it at once. Each commit names its worker (see `publisher`), so the new owner
of a partition knows whom it follows; one that the group knows no longer is dead or shut out.

A broker that is killed can leave something behind as well: the commit of an offset that stays
pending for ever, since the word that its transaction is over never came to the group's log (Kafka
4.4.0 does so when it dies within milliseconds of the end of a transaction). Nobody can read on from
such an offset (KIP-447). The end of the next transaction under the same id ends it too.
"""

from collections.abc import Callable, Collection, Sequence

import structlog
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not marked for checkers
    AdminClient,
    OffsetSpec,
)

from earmark.streams.kafka import (
    TRANSACTION_S,
    TRANSACTIONAL,
    client_config,
    producer_config,
    worker_id,
)
from earmark.streams.settings import KafkaSettings

log = structlog.get_logger()

ANSWER_S = 5.0
END_S = 10.0
PENDING_S = TRANSACTION_S + 5.0  # a commit that is pending for longer stays so


class Leftovers:
    """What former owners of partitions left open on `topics`, which workers write; for one thread.

    A worker that lives has published or given up all that was under way of a partition before it
    goes to another. Where Kafka does not answer, nothing is ended: the broker does it in time.
    `ended` is called for each worker whose transactions were.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topics: Collection[str],
        *,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._kafka = kafka
        self._ended = ended
        self._topics = topics
        own = {"group.id": kafka.group_id, "enable.auto.commit": False}
        # what is committed already, also where an open transaction is about to change it
        self._consumer = Consumer(
            client_config(kafka, {**own, "isolation.level": "read_uncommitted"})
        )
        self._patient = Consumer(client_config(kafka, own))  # gets it once nothing is pending
        self._admin = AdminClient(client_config(kafka))

    def end(self, partitions: Sequence[TopicPartition]) -> None:
        """End what is open of those that had these partitions and are not in the group any more."""
        try:
            former = self._owners(partitions) - {worker_id(self._kafka)}
            gone = former - self._members() if former else former
            if gone and self._something_is_open({each.partition for each in partitions}):
                for name in sorted(gone):
                    self._end(name)
        except (KafkaException, TimeoutError) as error:
            log.warning("open transactions unknown", reason=str(error))

    def pending(
        self, partitions: Sequence[TopicPartition], *, limit_s: float = PENDING_S
    ) -> list[TopicPartition]:
        """The offsets from which these partitions cannot be read on, where that is for good.

        That is, if a commit is pending for `limit_s`; by default longer than a transaction takes.
        """
        wanted = [TopicPartition(each.topic, each.partition) for each in partitions]
        try:
            self._patient.committed(wanted, timeout=limit_s)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._TIMED_OUT:
                return self._standing(wanted)
            log.warning("offsets unknown", reason=str(error))
        return []

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()
        self._patient.close()

    def _standing(self, wanted: Sequence[TopicPartition]) -> list[TopicPartition]:
        """What stands, whatever is pending; nothing where the brokers do not answer."""
        try:
            found = self._consumer.committed(list(wanted), timeout=ANSWER_S)
        except KafkaException as error:
            log.warning("offsets unknown", reason=str(error))
            return []
        return [TopicPartition(it.topic, it.partition, max(it.offset, 0)) for it in found]

    def _owners(self, partitions: Sequence[TopicPartition]) -> set[str]:
        """The workers that committed last."""
        wanted = [TopicPartition(each.topic, each.partition) for each in partitions]
        found = self._consumer.committed(wanted, timeout=ANSWER_S)
        names = {each.metadata for each in found if each.metadata}
        return {name for name in names if name.startswith(f"{self._kafka.group_id}-")}

    def _members(self) -> set[str]:
        """The workers that are in the group now."""
        group = self._kafka.group_id
        asked = self._admin.describe_consumer_groups([group], request_timeout=ANSWER_S)
        members = asked[group].result(ANSWER_S).members
        return {str(member.group_instance_id or member.client_id) for member in members}

    def _something_is_open(self, numbers: Collection[int]) -> bool:
        """Whether what is committed ends before the end, in partitions of these numbers."""
        wanted = [TopicPartition(topic, number) for topic in self._topics for number in numbers]
        committed, written = (
            self._ends(wanted, level)
            for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
        )
        return any(committed.get(place, end) < end for place, end in written.items())

    def _ends(
        self, wanted: Sequence[TopicPartition], level: IsolationLevel
    ) -> dict[tuple[str, int], int]:
        """The ends of those partitions that there are."""
        asked = self._admin.list_offsets(
            {partition: OffsetSpec.latest() for partition in wanted},  # type: ignore[no-untyped-call]  # it has no annotations
            isolation_level=level,
            request_timeout=ANSWER_S,
        )
        found: dict[tuple[str, int], int] = {}
        for partition, future in asked.items():
            if future.exception(ANSWER_S) is None:
                found[partition.topic, partition.partition] = future.result().offset
        return found

    def _end(self, name: str) -> None:
        own = {**TRANSACTIONAL, "transactional.id": name}
        Producer(producer_config(self._kafka, own)).init_transactions(END_S)
        log.info("transactions ended", of=name)
        self._ended()
