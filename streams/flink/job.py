"""What a job is: tables, statements, and how Flink is to run them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earmark.streams.flink.table import Table

# a job that is not cut in two phases sees the rows of an item in the order in which they come
# about, and gathers them into lists that agree in it
ONE_PHASE = {"table.optimizer.agg-phase-strategy": "ONE_PHASE"}
STREAMING = {
    "execution.runtime-mode": "STREAMING",
    # an item's row is written once for all that was gathered of it; without it, it flickers to
    # less and back for each signal that changes. A checkpoint gives out what is gathered, and
    # readers see nothing before it: to gather for longer than from one to the next costs no time
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "30 s",
    "table.exec.mini-batch.size": "100000",
    "pipeline.object-reuse": "true",  # rows are handed on, not copied, within a task
    "execution.checkpointing.min-pause": "500 ms",
    "execution.checkpointing.mode": "EXACTLY_ONCE",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    "execution.checkpointing.num-retained": "2",
    "state.backend.type": "rocksdb",
    "state.backend.rocksdb.compaction.style": "UNIVERSAL",
    "state.backend.rocksdb.compression.per.level": "LZ4_COMPRESSION",
    "execution.checkpointing.incremental": "true",  # a second's changes, not every profile there is
    "table.exec.state.ttl": "0 ms",  # what is forgotten is overwritten by a part of itself
}
BATCH = {"execution.runtime-mode": "BATCH"}
EVERY_S = 1.0  # from one checkpoint to the next, with which readers see what was made
LONGEST_CHECKPOINT_S = 600.0  # older: what it handed to Kafka may be aborted by now


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Tables, views of them and the statements over both, run as one job.

    `name` is what people call it, and the folder of its state. `schemas` are the topics under whose
    schemas it writes, `config` is Flink's own. `functions` makes functions in Python by their names
    in the statements. `start_over` is called where there is no state to go on from: it undoes what
    an earlier attempt has published, where that would be doubled. One that `is_watched` goes on
    from its state though it reads to an end: who waits for it sees by what is written that all is
    done.
    """

    name: str
    tables: Sequence[Table]
    statements: Sequence[str]
    schemas: Sequence[str]
    views: Sequence[str] = ()
    config: Mapping[str, str] = field(default_factory=lambda: {**STREAMING, **ONE_PHASE})
    functions: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    start_over: Callable[[], None] | None = None
    is_watched: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether it reads to an end, and only then writes."""
        return self.config["execution.runtime-mode"] == "BATCH"

    @property
    def is_bounded(self) -> bool:
        """Whether it reads to an end, in whichever mode, and nobody but itself can tell when."""
        return not self.is_watched and any(table.bounds for table in self.tables)

    def digest(self, cluster_id: str) -> str:
        """Names what its state means: statements, columns, topics, and the cluster they are on.

        State of one digest is of no use under another. Of a read that ends its bounds count too:
        state holds them, and would end where they did.
        """
        parts = [cluster_id, *self.views, *self.statements]
        for table in self.tables:
            parts += [table.name, table.columns, *table.topics, *table.bounds]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
