"""The receipts of the partitions that a worker owns, on disk, filled again from their topic.

One SQLite file per partition. It holds what was restored and what this worker has committed since,
and the offset up to which it holds the topic: what another worker wrote meanwhile is read when the
partition comes back. The files are a cache: one that is damaged or of another cluster is made
again from the topic.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from earmark.streams.database import opened
from earmark.streams.receipt import Receipt, ReceiptCodec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS receipts (content_id TEXT PRIMARY KEY, payload BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS restored (one INTEGER PRIMARY KEY CHECK (one = 1), offset INTEGER);
"""


class PartitionReceipts:
    """The receipts of one partition."""

    def __init__(self, path: Path, codec: ReceiptCodec) -> None:
        self._codec = codec
        self._database = opened(path, _SCHEMA)

    @property
    def restored_offset(self) -> int:
        """The offset in the topic before which everything is held."""
        found = self._database.execute("SELECT offset FROM restored").fetchone()
        return int(found[0]) if found else 0

    def get(self, content_id: str) -> Receipt | None:
        """What stands of the item."""
        found = self._database.execute(
            "SELECT payload FROM receipts WHERE content_id = ?", (content_id,)
        ).fetchone()
        return self._codec.decode(found[0]) if found else None

    def put(self, payloads: Mapping[str, bytes]) -> None:
        """Take over what this worker has committed, receipts by item."""
        with self._database:
            self._write(payloads)

    def restore(self, payloads: Mapping[str, bytes | None], *, offset: int) -> None:
        """Take over what was read from the topic up to `offset`, None for what is gone.

        Raises ConfigurationError for receipts of another group.
        """
        for payload in filter(None, payloads.values()):
            self._codec.decode(payload)
        with self._database:
            self._write(payloads)
            self._database.execute("INSERT OR REPLACE INTO restored VALUES (1, ?)", (offset,))

    def clear(self) -> None:
        """Forget everything: the topic is another one."""
        with self._database:
            self._database.execute("DELETE FROM receipts")
            self._database.execute("DELETE FROM restored")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _write(self, payloads: Mapping[str, bytes | None]) -> None:
        gone = [(content_id,) for content_id, payload in payloads.items() if payload is None]
        held = [(item, payload) for item, payload in payloads.items() if payload is not None]
        self._database.executemany("DELETE FROM receipts WHERE content_id = ?", gone)
        self._database.executemany("INSERT OR REPLACE INTO receipts VALUES (?, ?)", held)


class ReceiptStore:
    """The receipts of all partitions that are assigned now; for one thread."""

    def __init__(self, folder: Path, codec: ReceiptCodec) -> None:
        self._folder = folder
        self._codec = codec
        self._partitions: dict[int, PartitionReceipts] = {}

    def open(self, number: int) -> PartitionReceipts:
        """The receipts of partition `number`, as far as the disk has them."""
        if number not in self._partitions:
            path = self._folder / f"{number}.sqlite"
            self._partitions[number] = PartitionReceipts(path, self._codec)
        return self._partitions[number]

    def get(self, number: int, content_id: str) -> Receipt | None:
        """What stands of an item of partition `number`."""
        return self.open(number).get(content_id)

    def put(self, number: int, payloads: Mapping[str, bytes]) -> None:
        """Take over what was committed of partition `number`."""
        self.open(number).put(payloads)

    def close(self, numbers: Iterable[int] | None = None) -> None:
        """Close the files of these partitions, or all."""
        for number in list(self._partitions if numbers is None else numbers):
            if (partition := self._partitions.pop(number, None)) is not None:
                partition.close()
