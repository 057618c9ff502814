"""What the worker does with receipts: restore, look up, rule, and take over what was committed."""

from collections.abc import Collection, Iterable, Sequence

from earmark.streams.flight import Flight
from earmark.streams.receipt import NO_ANSWERS, Receipt, ReceiptCodec, Ruling, ruling
from earmark.streams.receipt_restore import ReceiptRestorer
from earmark.streams.receipt_store import ReceiptStore
from earmark.streams.settings import Settings


class Receipts:
    """The receipts of a worker that writes the signal `topics`; for one thread."""

    def __init__(self, settings: Settings, schema_id: int, topics: Iterable[str]) -> None:
        kafka = settings.kafka
        self._topics = frozenset(topics)
        self._restorer = ReceiptRestorer(kafka)
        folder = settings.state_folder / self._restorer.cluster_id / kafka.receipts_topic
        codec = ReceiptCodec(schema_id, group=kafka.group_id)
        self._encode = codec.encode
        self._store = ReceiptStore(folder / kafka.slot, codec)

    def assign(self, number: int) -> None:
        """Bring the receipts of a partition up to date.

        Raises ServiceError where the brokers do not give them, and ConfigurationError where they
        are those of another group.
        """
        self._restorer.restore(number, self._store.open(number))

    def release(self, numbers: Iterable[int]) -> None:
        """These partitions go to another worker."""
        self._store.close(numbers)

    def get(self, number: int, content_id: str) -> Receipt | None:
        """What stands of an item in partition `number`, as committed."""
        return self._store.get(number, content_id)

    def rule(self, flights: Sequence[Flight]) -> None:
        """Say for each of the finished flights, in their order, what is to be written.

        Its receipt is written once, for Kafka and for the disk.
        """
        # of those that are ruled here before they are committed; each partition has its own
        standing: dict[tuple[int, str], Receipt] = {}
        for flight in flights:
            if (item := flight.content_id) is not None:
                key = (flight.partition[1], item)
                flight.ruling = self._ruling(flight, standing.get(key) or self.get(*key))
                if flight.ruling is not None:
                    standing[key] = flight.ruling.receipt
                    flight.receipt = self._encode(flight.ruling.receipt)

    def _ruling(self, flight: Flight, before: Receipt | None) -> Ruling | None:
        """None for what leaves everything as it is: it is answered later, or never."""
        event, promotion = flight.event, flight.promotion
        if promotion is not None:
            if promotion.overtaken(before):
                return None
            return Ruling(receipt=promotion.promoted(before))
        if event is None:
            return None
        if flight.long and not (before and before.supersedes(event, forced=flight.forced)):
            return None
        return ruling(
            before,
            event,
            flight.outcomes or (),
            topics=self._topics,
            kept=flight.plan.kept if flight.plan else NO_ANSWERS,
            forced=flight.forced,
            late=flight.late,
            retried=flight.retried,
        )

    def committed(self, flights: Collection[Flight]) -> None:
        """Take over the receipts of a transaction that Kafka has taken."""
        by_partition: dict[int, dict[str, bytes]] = {}
        for flight in flights:
            if flight.ruling is not None and flight.receipt is not None:
                item = flight.ruling.receipt.content_id
                by_partition.setdefault(flight.partition[1], {})[item] = flight.receipt
        for number, payloads in by_partition.items():
            self._store.put(number, payloads)

    def close(self) -> None:
        """Close the files and leave the brokers."""
        self._store.close()
        self._restorer.close()
