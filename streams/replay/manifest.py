"""What a replay is to do, written down before it begins: its manifest.

Manifests lie on `replay.runs.v1`, one record per run under its name, and beside it the content ids
that it is limited to, if any, in pieces. Everybody who can read Kafka can go on with a run.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from confluent_kafka import KafkaException, Producer

from earmark.models.error import ConfigurationError, ServiceError
from earmark.streams.broker_error import kafka_error
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.kafka import producer_config
from earmark.streams.route import Route
from earmark.streams.settings import KafkaSettings, Settings
from earmark.streams.topic import COMMON, COMPACTED, RECEIPTS, Topic, make_topics

RUNS = "replay.runs.v1"
IDS_IN_PIECE = 5_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,48}")  # it becomes a part of topics' names
_TAKEN = "runs"  # what is aborted takes all topics of its name with it, here this one
_PIECE = "#"  # between the name of a run and the number of a piece of its ids
WORKERS, FLINK = "workers", "flink"


class State(StrEnum):
    """How far a run is, as far as its manifest says."""

    BEGUN = "BEGUN"
    FINISHED = "FINISHED"  # every event of its range is answered
    PROMOTED = "PROMOTED"  # and its answers were handed to the live workers
    ABORTED = "ABORTED"  # its topics are gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One run. `bounds` are first and end offset by partition of `source`, frozen at its start.

    `audio_per_s` (seconds of audio per second) and `tokens_per_s` limit it, 0 does not. It gives
    way while the live workers are more than `live_lag` events behind. `host` is what answers it.
    """

    run: str
    source: str
    bounds: Mapping[int, tuple[int, int]]
    created_ms: int
    state: str = State.BEGUN
    signals: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, Any] = field(default_factory=dict)  # of a run of `earmark relabel`
    content_types: tuple[str, ...] = ()
    content_ids: frozenset[str] | None = None
    audio_per_s: float = 0.0
    tokens_per_s: float = 0.0
    live_lag: int = 100
    live_group: str = "earmark"
    host: str = WORKERS

    @property
    def route(self) -> Route:
        """The topics that it reads and writes."""
        return Route(source=self.source, run=self.run)

    @property
    def group_id(self) -> str:
        """The consumer group of its workers."""
        return f"{self.live_group}-replay-{self.run}"

    @property
    def records(self) -> int:
        """Offsets in its range: its records, and a few that are none."""
        return sum(end - start for start, end in self.bounds.values())

    @property
    def prefix(self) -> str:
        """What the names of all its topics begin with."""
        return self.route.written("")

    def check_goes_on(self) -> None:
        """Raises ConfigurationError where no worker of a replay can go on with it."""
        if self.thresholds:
            raise ConfigurationError(f"{self.run} goes on with `earmark relabel`, which began it")
        if self.host == FLINK:
            raise ConfigurationError(
                f"{self.run} goes on with `earmark flink backfill`, which began it"
            )
        self.check_not_aborted()

    def check_not_aborted(self) -> None:
        """Raises ConfigurationError where its topics are gone."""
        if self.state == State.ABORTED:
            raise ConfigurationError(f"{self.run} was aborted; choose another name")

    def settings(self, settings: Settings) -> Settings:
        """Those of its workers, from those of live ones."""
        kafka = settings.kafka.model_copy(
            update={
                "group_id": self.group_id,
                "receipts_topic": self.route.written(RECEIPTS),
                "partitions": len(self.bounds),
            }
        )
        worker = settings.worker.model_copy(
            update={"signals": self.signals, "models": dict(self.models)}
        )
        return settings.model_copy(update={"kafka": kafka, "worker": worker})


def checked_name(run: str) -> str:
    """The name, if it can be one; raises ConfigurationError."""
    if not _NAME.fullmatch(run) or run == _TAKEN:
        raise ConfigurationError(
            f"{run!r} cannot name a run: use up to 49 of a-z, 0-9, - and _, the first no sign "
            f"(and not {_TAKEN!r})"
        )
    return run


def now_ms() -> int:
    """The time, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def read_runs(kafka: KafkaSettings) -> dict[str, Manifest]:
    """All runs by name, the oldest first; none where nobody has replayed yet."""
    tables: dict[str, dict[str, Any]] = {}
    pieces: dict[str, dict[str, list[str]]] = {}
    with CommittedReader(kafka, RUNS) as reader:
        if not reader.partitions():
            return {}
        for message in (message for span in reader.spans() for message in reader.read(span)):
            name, _, piece = (message.key() or b"").decode().partition(_PIECE)
            value = json.loads(message.value() or b"null")
            if piece:
                pieces.setdefault(name, {})[piece] = value
            else:
                tables[name] = value
    runs = [_manifest(table, pieces.get(name, {})) for name, table in tables.items() if table]
    return {run.run: run for run in sorted(runs, key=lambda run: run.created_ms)}


def read_run(kafka: KafkaSettings, run: str) -> Manifest:
    """The run of that name; raises ConfigurationError where there is none."""
    runs = read_runs(kafka)
    if run not in runs:
        known = ", ".join(runs) or "none"
        raise ConfigurationError(f"there is no replay {run!r}; known: {known}")
    return runs[run]


def write_run(kafka: KafkaSettings, manifest: Manifest) -> None:
    """Write the manifest, or what has changed in it; raises ServiceError."""
    make_topics(kafka, [Topic(name=RUNS, config=COMMON | COMPACTED)], partitions=1)
    failures: list[str] = []
    producer = Producer(producer_config(kafka, {"acks": "all"}))
    for key, value in _records(manifest):
        producer.produce(
            RUNS,
            json.dumps(value).encode(),
            key.encode(),
            on_delivery=lambda error, _: failures.append(error.str()) if error else None,
        )
    try:
        left = producer.flush(30)
    except KafkaException as error:
        raise kafka_error(kafka.bootstrap_servers, error) from error
    if failures or left:
        raise ServiceError(f"topic {RUNS}: {failures[0] if failures else 'no answer in 30 s'}")


def moved_to(kafka: KafkaSettings, manifest: Manifest, state: State) -> Manifest:
    """The manifest in another state, written down."""
    moved = replace(manifest, state=state)
    write_run(kafka, moved)
    return moved


def _records(manifest: Manifest) -> Iterator[tuple[str, object]]:
    ids = sorted(manifest.content_ids or ())
    for first in range(0, len(ids), IDS_IN_PIECE):
        yield f"{manifest.run}{_PIECE}{first}", ids[first : first + IDS_IN_PIECE]
    table = asdict(replace(manifest, content_ids=None))
    # last: who finds it finds all
    yield manifest.run, table | {"content_ids": None if manifest.content_ids is None else len(ids)}


def _manifest(table: dict[str, Any], pieces: Mapping[str, list[str]]) -> Manifest:
    count = table.pop("content_ids")
    # pieces behind the last are of a beginning that was killed before its manifest was written
    ids = (each for first, piece in pieces.items() if int(first) < (count or 0) for each in piece)
    bounds = {int(number): (start, end) for number, (start, end) in table.pop("bounds").items()}
    for name in ("signals", "content_types"):
        table[name] = tuple(table[name])
    return Manifest(**table, bounds=bounds, content_ids=None if count is None else frozenset(ids))
