"""A dry run of policies on past profiles: exact however often an item comes, and bounded in memory.

What was judged of each item lies in a database on disk until all is read; the last profile of an
item counts.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from earmark.models.source import Progress
from earmark.processors.codec import Codec
from earmark.processors.error import ContentError
from earmark.processors.policy.decision import Decision, decisions_of
from earmark.processors.policy.policy import Policy
from earmark.processors.policy.trial import Judged, Key, RuleChange, Tally, judged, rule_keys
from earmark.processors.schema import REVIEW_DECISIONS, schema_of
from earmark.streams.dead_letter import CommittedReader
from earmark.streams.policy.history import History
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.topic_records import read_topic

_SCHEMA = (
    "CREATE TABLE judged (content_id TEXT PRIMARY KEY, before TEXT, after TEXT) WITHOUT ROWID",
    "CREATE TABLE decided (content_id TEXT PRIMARY KEY, decisions BLOB) WITHOUT ROWID",
)
_PUT = "INSERT OR REPLACE INTO judged VALUES (?, ?, ?)"
_ERASE = "DELETE FROM judged WHERE content_id = ?"
_DECIDE = "INSERT OR REPLACE INTO decided VALUES (?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """What a dry run found: `records` were read, `unreadable` left out."""

    source: str
    records: int
    unreadable: int
    tally: Tally


class Trial:
    """Judges profiles under two sets of policies; for one thread, to be closed."""

    def __init__(self, before: Sequence[Policy], after: Sequence[Policy]) -> None:
        self._before, self._after = tuple(before), tuple(after)
        self._names: dict[Key, int] = {}
        self._database = sqlite3.connect("")  # a file that goes with the connection
        for statement in _SCHEMA:
            self._database.execute(statement)

    def close(self) -> None:
        """Give the space on disk back."""
        self._database.close()

    def take_decisions(self, settings: Settings, report: Progress) -> None:
        """Have human decisions count, as they stand on their topic, where there is one."""
        with CommittedReader(settings.kafka, REVIEW_DECISIONS) as reader:
            if not reader.partitions():
                return
        with Registry(settings.registry) as registry, self._database:
            codec = Codec(schema_of(REVIEW_DECISIONS), writer_schema=registry.schema_by_id)
            for message in read_topic(settings.kafka, REVIEW_DECISIONS, report):
                key, value = (message.key() or b"").decode(errors="replace"), message.value()
                try:
                    said = [] if value is None else codec.decode(value)["decisions"]
                except ContentError:
                    continue
                self._database.execute(_DECIDE, (key, json.dumps(said)))

    def run(self, history: History, report: Progress) -> TrialReport:
        """Judge all profiles and count."""
        records = 0
        with self._database:
            for past in history.profiles(report):
                records += 1
                if past.profile is None:
                    self._database.execute(_ERASE, (past.content_id,))
                    continue
                told = self._decisions(past.content_id)
                found = judged(
                    past.profile, self._before, self._after, told, partial=history.partial
                )
                row = (past.content_id, self._packed(found.before), self._packed(found.after))
                self._database.execute(_PUT, row)
        return TrialReport(
            source=history.source,
            records=records,
            unreadable=history.unreadable,
            tally=self._tally(),
        )

    def _decisions(self, content_id: str) -> tuple[Decision, ...]:
        query = "SELECT decisions FROM decided WHERE content_id = ?"
        row = self._database.execute(query, (content_id,)).fetchone()
        return () if row is None else decisions_of({"decisions": json.loads(row[0])})

    def _tally(self) -> Tally:
        known = (*rule_keys(self._before), *rule_keys(self._after))
        tally = Tally(rules={key: RuleChange() for key in sorted(set(known))})
        for content_id, found in self._rows():
            tally.add(content_id, found)
        return tally

    def _rows(self) -> Iterator[tuple[str, Judged]]:
        names = list(self._names)
        query = "SELECT content_id, before, after FROM judged ORDER BY content_id"
        with closing(self._database.execute(query)) as rows:
            for content_id, before, after in rows:
                was, is_now = (
                    frozenset(names[int(it)] for it in packed.split()) for packed in (before, after)
                )
                yield content_id, Judged(before=was, after=is_now)

    def _packed(self, keys: frozenset[Key]) -> str:
        """The keys as numbers: each is named once, however many items it holds for."""
        return " ".join(str(self._names.setdefault(key, len(self._names))) for key in keys)
