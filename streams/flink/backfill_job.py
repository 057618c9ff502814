"""The job of a backfill: pieces of references go to workers in Python, their records to Kafka."""

import hashlib
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from earmark.models.error import ServiceError
from earmark.processors.loader import load_specs
from earmark.processors.schema import RECEIPTS
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.flink.job import STREAMING, Job
from earmark.streams.flink.reference import answered_topic, references_topic
from earmark.streams.flink.table import raw_sink, raw_source
from earmark.streams.replay.manifest import Manifest, read_run
from earmark.streams.replay.start import KEPT, run_topics
from earmark.streams.replay.work import topics_of
from earmark.streams.settings import Settings
from earmark.streams.topic import (
    COMMON,
    CONTENT_EVENTS,
    REJECTIONS,
    Topic,
    delete_topics,
    make_topics,
)

CONFIG = {
    **STREAMING,
    "table.exec.mini-batch.enabled": "false",
    "state.backend.type": "hashmap",  # there is none but the offsets of the pieces
    # a piece is done, and its records are handed on, before a checkpoint can begin
    "python.fn-execution.bundle.size": "1",
    # and a checkpoint waits for the longest piece of all workers
    "execution.checkpointing.interval": "2 s",
    "execution.checkpointing.timeout": "15 min",
    "execution.checkpointing.tolerable-failed-checkpoints": "1000",
    # where a worker cannot go on, starting it again seldom helps
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "2",
    "restart-strategy.fixed-delay.delay": "1 s",
}
GONE_S = 30.0  # for deleted topics to be gone


def backfill_job(settings: Settings, *, run: str) -> Job:
    """The job of the run of that name; raises ConfigurationError where there is none."""
    manifest = read_run(settings.kafka, run)
    route, function = manifest.route, f"answers_{_digest(manifest)}"
    made = [topic.name for topic in written_topics(manifest)]
    statement = (
        "INSERT INTO `written` SELECT `topic`, `key`, `value`, `headers` FROM `pieces`, "
        f"LATERAL TABLE(`{function}`(`piece`)) AS T(`topic`, `key`, `value`, `headers`)"
    )
    return Job(
        name=f"backfill-{run}",
        tables=[
            raw_source(settings, references_topic(route), "pieces", "piece"),
            raw_sink(settings, made, "written", transactions=f"{manifest.group_id}-flink"),
        ],
        statements=[statement],
        schemas=[*topics_of(manifest), CONTENT_EVENTS, REJECTIONS, RECEIPTS],
        config=CONFIG,
        functions={function: partial(_function, settings, manifest)},
        start_over=partial(start_over, settings, manifest),
        is_watched=True,
    )


def written_topics(manifest: Manifest) -> Sequence[Topic]:
    """All topics that the job writes."""
    route = manifest.route
    load_specs(manifest.signals or None)
    made = [topic for topic in run_topics(manifest) if topic.name != route.retry]
    return [*made, Topic(name=answered_topic(route), config=COMMON | KEPT)]


def start_over(settings: Settings, manifest: Manifest) -> None:
    """Empty the topics of the run where an attempt has published whose state is lost.

    Raises ServiceError where the brokers do not do it.
    """
    for topic in written_topics(manifest):
        if _is_written(settings, topic.name):
            delete_topics(settings.kafka, topic.name)
            _make_again(settings, topic, partitions=_partitions(manifest))


def _function(settings: Settings, manifest: Manifest) -> Any:
    from earmark.streams.flink.answer_function import answer_function

    return answer_function(settings, manifest)


def _digest(manifest: Manifest) -> str:
    """Names the run: state of another one of the same name is of no use."""
    text = f"{manifest.run}\x1f{manifest.created_ms}\x1f{sorted(manifest.bounds.items())}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _partitions(manifest: Manifest) -> int:
    return len(manifest.bounds)


def _is_written(settings: Settings, topic: str) -> bool:
    with CommittedReader(settings.kafka, topic) as reader:
        return any(span.end > 0 for span in reader.spans())


def _make_again(settings: Settings, topic: Topic, *, partitions: int) -> None:
    deadline = time.monotonic() + GONE_S
    while time.monotonic() < deadline:
        make_topics(settings.kafka, [topic], partitions=partitions)
        with CommittedReader(settings.kafka, topic.name) as reader:
            if reader.partitions() and not any(span.end for span in reader.spans()):
                return
    raise ServiceError(f"topic {topic.name} could not be made anew")
