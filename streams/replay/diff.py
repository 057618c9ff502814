"""Compares the answers of a replay with the live ones, signal by signal.

    topics of the run -> the last record of each item -> that of the same item on the live topic
      -> pairs of answers about the same content -> compare -> SignalTally -> SignalDiff

What is committed when a topic is opened is read; what comes later is not.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from earmark.models.error import ConfigurationError
from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.loader import load_specs
from earmark.processors.schema import schema_of
from earmark.processors.signal import SignalSpec
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.registry import Registry
from earmark.streams.replay.compare import Standing, compare, incomparable
from earmark.streams.replay.compare_features import Record
from earmark.streams.replay.compare_tally import SignalTally
from earmark.streams.replay.diff_result import Diff, SignalDiff
from earmark.streams.replay.diff_store import Last, LastRecords
from earmark.streams.replay.manifest import read_runs
from earmark.streams.restriction import restricted_by
from earmark.streams.route import replay_topic
from earmark.streams.settings import KafkaSettings, Settings
from earmark.streams.topic import RESTRICTED_PREFIX, signal_topics

MOST = 20
BATCH = 5_000  # records stored at once
REPORTED = 1_000  # pairs between two reports of progress
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def diff(
    settings: Settings,
    run: str,
    *,
    signals: Collection[str] | None = None,
    most: int = MOST,
    progress: Progress | None = None,
) -> Diff:
    """What the replay called `run` says otherwise than the live signals.

    `signals` are names (None: all that the run answered), `most` is how many of the items that
    changed most are kept of each. `progress(label, done, total)` is told of records read and of
    items compared. Raises ConfigurationError where the run did not answer these signals,
    ServiceError where brokers or registry do not give what is asked.
    """
    specs = _answered(settings.kafka, run, signals)
    report = progress or (lambda label, done, total: None)
    with Registry(settings.registry) as registry, LastRecords() as records:
        for number, spec in enumerate(specs):
            for batch in _batches(settings.kafka, run_topic(run, spec), report):
                records.put_run(number, batch)
        codecs = [Codec(schema_of(it.topic), writer_schema=registry.schema_by_id) for it in specs]
        found = []
        for number, spec in enumerate(specs):
            records.clear_live()
            for topic in _live_topics(spec, settings):
                for batch in _batches(settings.kafka, topic, report):
                    records.put_live(batch)
            comparison = _Comparison(spec, number, records, codecs, most=most)
            found.append(comparison.run(report))
    return Diff(run=run, signals=tuple(found))


def _live_topics(spec: SignalSpec, settings: Settings) -> Iterator[str]:
    """The signal's own, and over its redacted twins the answers as they are."""
    yield spec.topic
    if spec.topic in restricted_by(settings):
        yield f"{RESTRICTED_PREFIX}{spec.topic}"


def run_topic(run: str, spec: SignalSpec) -> str:
    """Where a replay's answers of a signal lie."""
    return replay_topic(run, spec.topic)


class _Comparison:
    """The comparison of one signal."""

    def __init__(
        self,
        spec: SignalSpec,
        number: int,
        records: LastRecords,
        codecs: Sequence[Codec],
        *,
        most: int,
    ) -> None:
        self._spec = spec
        self._number = number
        self._records = records
        self._codecs = codecs
        self._tally = SignalTally(spec, most=most)

    def run(self, report: Progress) -> SignalDiff:
        """All items of the run, compared."""
        total, label = self._records.count(), f"compare {self._spec.name}"
        for done, (key, live, run) in enumerate(self._records.pairs(self._number)):
            self._judge(key, live, run)
            if done % REPORTED == 0:
                report(label, done, total)
        report(label, total, total)
        return self._tally.diff(knows_only_live=len(self._codecs) > 1)

    def _judge(self, key: bytes, live: Last | None, run: Last | None) -> None:
        try:
            standing = self._compare(key, live, run)
        except ContentError:
            standing = Standing.UNDECODABLE
        if standing is not None:
            self._tally.count(standing)

    def _compare(self, key: bytes, live: Last | None, run: Last | None) -> Standing | None:
        """Why there is no pair to compare; None where there is one, or the item is not meant."""
        live_payload = None if live is None else live.payload
        if run is None:
            is_meant = live_payload is not None and self._is_in_run(key, live_payload)
            return Standing.ONLY_LIVE if is_meant else None
        if run.payload is None:
            return Standing.DELETED
        if live_payload is None:
            return Standing.ONLY_RUN
        one, other = self._decoded(live_payload), self._decoded(run.payload)
        if (standing := incomparable(one, other)) is not None:
            return standing
        self._tally.add(key.decode(errors="replace"), compare(one, other, self._spec))
        return None

    def _is_in_run(self, key: bytes, live: bytes) -> bool:
        """Whether the run answered this or a later revision of the item, by any signal."""
        revision: int = self._decoded(live)["revision"]
        return any(
            self._codecs[number].decode(payload)["revision"] >= revision
            for number, payload in self._records.of_run(key)
        )

    def _decoded(self, payload: bytes) -> Record:
        return self._codecs[self._number].decode(payload)


def _answered(kafka: KafkaSettings, run: str, signals: Collection[str] | None) -> list[SignalSpec]:
    """The signals that the run has topics of: those named, or all."""
    if not _NAME.fullmatch(run):
        raise ConfigurationError(f"{run!r} is no name of a replay: letters, digits, - and _")
    specs = load_specs(signals)
    wanted = [spec for name, spec in specs.items() if signals is None or name in signals]
    known, asked = set(signal_topics()), _asked_of(kafka, run)
    there = [
        s
        for s in wanted
        if s.topic in known
        and (not asked or s.name in asked)
        and _is_there(kafka, run_topic(run, s))
    ]
    if signals is not None and (missing := [s.name for s in wanted if s not in there]):
        raise ConfigurationError(f"replay {run!r} did not answer {', '.join(missing)}")
    if not there:
        raise ConfigurationError(f"there is no replay {run!r}: no topic replay.{run}.signals.*")
    return there


def _asked_of(kafka: KafkaSettings, run: str) -> Collection[str]:
    """The signals that the run was to answer; none where it was all, or where nobody wrote it."""
    manifest = read_runs(kafka).get(run)
    return () if manifest is None else manifest.signals


def _is_there(kafka: KafkaSettings, topic: str) -> bool:
    with CommittedReader(kafka, topic) as reader:
        return bool(reader.partitions())


def _batches(
    kafka: KafkaSettings, topic: str, report: Progress
) -> Iterator[list[tuple[bytes, bytes | None]]]:
    """Keys and payloads of all that is committed on the topic; nothing where it is not there."""
    with CommittedReader(kafka, topic) as reader:
        spans = reader.spans() if reader.partitions() else []
        total, passed = sum(span.end - span.start for span in spans), 0
        for span in spans:
            records = reader.read(span)
            while batch := list(islice(records, BATCH)):
                yield [(key, it.value()) for it in batch if (key := it.key()) is not None]
                done = (batch[-1].offset() or 0) + 1 - span.start
                report(f"read {topic}", passed + done, total)
            passed += span.end - span.start
