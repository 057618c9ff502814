"""Past events answered on Flink, as a run that is compared and promoted like a replay's.

    topic or table -> pieces of references -> workers of Flink's -> topics of the run

A run is begun when its manifest is written, and from there on anybody can go on with it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from confluent_kafka import KafkaError, Message, Producer

from earmark.models.error import ConfigurationError, ServiceError
from earmark.models.source import Progress
from earmark.processors.content import ContentEvent
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs
from earmark.streams.content_files import (
    UNSTATED,
    ReadEvent,
    read_events,
    stamped_now,
    survey,
    template,
)
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.flink.backfill_job import written_topics
from earmark.streams.flink.host import prepare
from earmark.streams.flink.job_folder import JobFolder
from earmark.streams.flink.order import Order
from earmark.streams.flink.rebuild import await_end, run_to_end
from earmark.streams.flink.reference import Tally, answered, pieces_of, references_topic
from earmark.streams.flink.rest import ENDED, Rest
from earmark.streams.kafka import BY_KEY, producer_config
from earmark.streams.local.report import silent
from earmark.streams.model_choice import signal_named
from earmark.streams.producer import encoded
from earmark.streams.registry import Registry
from earmark.streams.replay.manifest import (
    FLINK,
    Manifest,
    State,
    checked_name,
    moved_to,
    read_runs,
    write_run,
)
from earmark.streams.replay.progress import commit_end, commit_start
from earmark.streams.replay.start import KEPT, Asked, planned
from earmark.streams.route import Route
from earmark.streams.settings import KafkaSettings, Settings
from earmark.streams.topic import (
    COMMON,
    CONTENT_EVENTS,
    WHOLE_EVENTS,
    Topic,
    delete_topics,
    make_topics,
)

FLUSH_S = 60.0
LOOK_S = 3.0  # from one look at how many pieces are answered to the next

MakeOrder = Callable[..., Order]
Send = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """What came of a run: its pieces, what became of their events, how long this call took."""

    run: str
    state: str
    pieces: int
    tally: Tally
    seconds: float


def begun(
    settings: Settings,
    run: str,
    asked: Asked,
    *,
    table: Path | None = None,
    parallelism: int = 1,
    progress: Progress = silent,
) -> Manifest:
    """A new run, its range frozen and listed; `table` is a Parquet file or a folder of them.

    A kill on the way leaves no run, and beginning again is harmless. Raises ConfigurationError for
    what cannot be answered.
    """
    checked_name(run)
    specs = load_specs(settings.worker.signals or None)
    for name in asked.signals:
        signal_named(name, specs)
    if table is not None:
        topic = Route(run=run).written(CONTENT_EVENTS)
        _load(settings, table, topic, progress)
        asked = replace(asked, topic=topic)
    manifest = replace(planned(settings, run, asked), host=FLINK)
    _list(settings, manifest, max(parallelism, settings.kafka.partitions), progress)
    kafka = settings.kafka
    make_topics(kafka, written_topics(manifest), partitions=len(manifest.bounds))
    commit_start(kafka, manifest)
    write_run(kafka, manifest)
    return manifest


def backfill(
    settings: Settings,
    manifest: Manifest,
    *,
    order: MakeOrder = Order,
    progress: Progress = silent,
) -> Backfilled:
    """Answer what of the run is not answered yet, and wait until all is.

    Raises ServiceError where the job fails, or where not every piece is answered once when it has
    ended.
    """
    started = time.monotonic()
    total, found = _pieces(settings, manifest), answered(settings, manifest.route)
    if manifest.state == State.BEGUN and len(found) < total:
        _run(settings, manifest, order, progress)
        found = answered(settings, manifest.route)
    if found.keys() != set(range(total)):
        raise ServiceError(f"{len(found)} of {total} pieces of {manifest.run} are answered")
    if manifest.state == State.BEGUN:
        commit_end(settings.kafka, manifest)
        manifest = moved_to(settings.kafka, manifest, State.FINISHED)
    return Backfilled(
        run=manifest.run,
        state=manifest.state,
        pieces=total,
        tally=reduce(Tally.__add__, found.values(), Tally()),
        seconds=time.monotonic() - started,
    )


def known_run(settings: Settings, run: str) -> Manifest | None:
    """The run of that name if it was begun here; raises ConfigurationError for one of others."""
    known = read_runs(settings.kafka).get(run)
    if known is not None:
        if known.host != FLINK:
            raise ConfigurationError(f"{run} is there already, and not a run on Flink")
        known.check_not_aborted()
    return known


def _run(settings: Settings, manifest: Manifest, order: MakeOrder, progress: Progress) -> None:
    wanted = order(kind="backfill", options={"run": manifest.run})
    prepare(settings, wanted, progress)
    name = f"backfill-{manifest.run}"
    watch = _watching(settings, manifest, progress)
    folder = JobFolder(settings.state_folder, name)
    try:
        if not _ended_elsewhere(folder, watch):
            run_to_end(settings, wanted, name, watch)
    except _AllAnsweredError:
        _end(folder)


class _AllAnsweredError(Exception):
    """Every piece is answered, so that nobody need wait for the job.

    Flink's source of a topic that is read to an end, once it was restored, waits for more for ever:
    its enumerator finds nothing new, and does not say so (FLINK-31006).
    """


def _watching(settings: Settings, manifest: Manifest, progress: Progress) -> Progress:
    """Reports, now and then when it is called, how many pieces are answered.

    Raises _AllAnsweredError where all are.
    """
    total, looked = _pieces(settings, manifest), time.monotonic()

    def watch(_label: str, _done: int, _total: int | None) -> None:
        nonlocal looked
        if time.monotonic() - looked < LOOK_S:
            return
        looked = time.monotonic()
        with suppress(ServiceError):  # the brokers are away; they come back, or the job says so
            done = len(answered(settings, manifest.route))
            progress(f"pieces of {manifest.run} answered", done, total)
            if done == total:
                raise _AllAnsweredError

    return watch


def _end(folder: JobFolder) -> None:
    """Let a cluster's job go; one of our own has ended with its driver."""
    note = folder.read()
    if note is not None and note.process is None:
        with suppress(ServiceError):  # it has ended by itself meanwhile
            Rest(note.url).cancel(note.job_id)
    folder.forget()
    folder.tidy(None)


def _ended_elsewhere(folder: JobFolder, watch: Progress) -> bool:
    """Whether a cluster that had the job from an earlier call has ended it well."""
    note = folder.read()
    if note is None or note.process is not None:
        return False
    try:
        if Rest(note.url).status(note.job_id) in ENDED - {"FINISHED"}:
            return False
        ended = await_end(note, watch)
    except ServiceError:
        return False  # no cluster any more, or one that knows nothing of it
    folder.forget()
    return ended == "FINISHED"


def _load(settings: Settings, table: Path, topic: str, progress: Progress) -> None:
    """Put the rows of a table on a topic, as the events that they say."""
    size = survey([table])
    delete_topics(settings.kafka, topic)
    made = Topic(name=topic, config=COMMON | KEPT | WHOLE_EVENTS)
    make_topics(settings.kafka, [made], partitions=settings.kafka.partitions)
    given = template(content_type="OTHER", language=None, source="backfill", tenant="")
    with (
        Registry(settings.registry) as registry,
        _sending(settings.kafka, topic) as send,
    ):
        schema_id = registry.ids_for_worker([CONTENT_EVENTS])[CONTENT_EVENTS]
        for read in read_events([table], given):
            mark = read.bookmark
            try:
                event = _stamped(read)
                send(encoded(event, schema_id), event.content_id.encode())
            except ContentError as error:
                raise ConfigurationError(f"{mark.path}, row {mark.rows}: {error}") from error
            progress(f"read {table.name}", mark.done_bytes, size)


def _stamped(read: ReadEvent) -> ContentEvent:
    """The event; without a revision it is older than whatever stands of its item."""
    event = stamped_now(read)
    return replace(event, revision=0) if read.event.revision == UNSTATED else event


def _list(settings: Settings, manifest: Manifest, partitions: int, progress: Progress) -> None:
    """Write the pieces of the run down, spread evenly."""
    topic = references_topic(manifest.route)
    delete_topics(settings.kafka, topic)
    make_topics(settings.kafka, [Topic(name=topic, config=COMMON | KEPT)], partitions=partitions)
    with _sending(settings.kafka, topic) as send:
        for piece in pieces_of(settings, manifest, progress):
            send(piece.text(), str(piece.number).encode(), piece.number % partitions)


def _pieces(settings: Settings, manifest: Manifest) -> int:
    with CommittedReader(settings.kafka, references_topic(manifest.route)) as reader:
        return sum(span.end for span in reader.spans())


@contextmanager
def _sending(kafka: KafkaSettings, topic: str) -> Iterator[Send]:
    """A function that sends a value, under a key and perhaps to a partition; all arrives."""
    failures: list[str] = []
    producer = Producer(producer_config(kafka, {"enable.idempotence": True, "linger.ms": 5}))

    def note(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error.str())

    def send(value: bytes, key: bytes, partition: int = BY_KEY) -> None:
        while True:
            try:
                producer.produce(topic, value, key, partition, on_delivery=note)
            except BufferError:
                producer.poll(0.1)  # the queue is full: let it drain
            else:
                producer.poll(0)
                return

    yield send
    left = producer.flush(FLUSH_S)
    if failures or left:
        raise ServiceError(f"topic {topic}: {failures[0] if failures else 'no answer in time'}")
