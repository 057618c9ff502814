"""What each record of a topic changes in the index."""

from collections.abc import Callable, Mapping
from typing import Any

from earmark.processors.codec import jsonable
from earmark.processors.item_text import AUDIO_TRANSCRIPT, TRANSCRIPT
from earmark.streams.dead_letter import DeadLetter, Place
from earmark.streams.subscriber import ReceivedSignal
from earmark.streams.subscription.name import holds_bytes, live_topic
from earmark.streams.topic import (
    ALERTS,
    ITEMS,
    PROFILES,
    REJECTIONS,
    RESTRICTED_PREFIX,
    REVIEW_DECISIONS,
    REVIEW_REQUESTS,
    SIGNALS_PREFIX,
    STATS,
    VERDICTS,
)
from earmark.streams.web.index.file import HISTORY, IndexFile, compact
from earmark.streams.web.index.said import (
    labels_of,
    stored,
    value_of,
    vectors_of,
)
from earmark.streams.web.index.standing import item_record, standing
from earmark.streams.web.masking import PII, masked, spans_in

HOUR_MS = 3_600_000
TITLES = ("title", "name", "subject", "headline")
LONGEST_TITLE = 300
LONGEST_PASSAGE = 200_000  # characters of a text that are searched

_PUT_ITEM = """
INSERT INTO items VALUES (:content_id, :changed_ms, :event_ms, :revision, :content_type, :language,
  :title, :has_audio, :has_texts, :record)
ON CONFLICT DO UPDATE SET changed_ms = max(changed_ms, excluded.changed_ms),
  event_ms = excluded.event_ms, revision = excluded.revision, content_type = excluded.content_type,
  language = excluded.language, title = excluded.title, has_audio = excluded.has_audio,
  has_texts = excluded.has_texts, record = excluded.record
"""
# of an item of which the event has not come yet, its signals say what they know
_TOUCH_ITEM = """
INSERT INTO items (content_id, changed_ms, event_ms, revision, content_type, language)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET changed_ms = max(changed_ms, excluded.changed_ms),
  event_ms = CASE WHEN record IS NULL THEN excluded.event_ms ELSE event_ms END
"""
_DROP_EMPTY = """
DELETE FROM items WHERE content_id = ? AND record IS NULL
  AND content_id NOT IN (SELECT content_id FROM signals)
"""


class Changes:
    """Applies records to the index, within its transaction.

    `touched` are the items whose texts are to be searched anew: `finish` does that, once for each.
    """

    def __init__(self, index: IndexFile) -> None:
        self._index = index
        self._touched: set[str] = set()
        self._by_topic: Mapping[str, Callable[[ReceivedSignal], None]] = {
            ITEMS: self._item,
            PROFILES: self._document,
            VERDICTS: self._document,
            REVIEW_DECISIONS: self._document,
            REVIEW_REQUESTS: self._request,
            REJECTIONS: self._rejection,
            STATS: self._stats,
            ALERTS: self._alert,
        }

    def apply(self, received: ReceivedSignal) -> bool:
        """Let the record stand; whether it is a signal that people would see arrive."""
        topic = received.topic
        if received.deleted:
            self._deletion(received)
            return False
        if self._index.is_erased(received.key, received.timestamp):
            return False
        if holds_bytes(topic):
            self._letter(received)
        elif live_topic(topic).startswith(SIGNALS_PREFIX):
            self._signal(received)
            return not topic.startswith(RESTRICTED_PREFIX)
        elif topic in self._by_topic:
            self._by_topic[topic](received)
        return False

    def finish(self) -> None:
        """Bring what is searched up to what stands."""
        for content_id in self._touched:
            self._index.execute(_DROP_EMPTY, (content_id,))
            self._search_anew(content_id)
        self._touched.clear()

    def _deletion(self, received: ReceivedSignal) -> None:
        if holds_bytes(received.topic):  # the dead letter of an event without a value
            self._letter(received)
            return
        if received.topic == ITEMS:
            self._index.erase(received.key, received.timestamp)
            self._touched.discard(received.key)
            return
        of_topic = (received.key, received.topic)
        for table in ("signals", "labels", "history", "vectors", "documents"):
            self._index.execute(
                f"DELETE FROM {table} WHERE content_id = ? AND topic = ?",  # noqa: S608  # from above
                of_topic,
            )
        self._touched.add(received.key)

    def _item(self, received: ReceivedSignal) -> None:
        event = received.record
        texts = {text["field"]: text["text"] for text in event["texts"]}
        title = next((texts[name] for name in TITLES if texts.get(name)), None)
        row = {
            "content_id": received.key,
            "changed_ms": received.timestamp,
            "event_ms": event["event_time"],
            "title": None if title is None else title[:LONGEST_TITLE],
            "has_audio": int(event["audio"] is not None),
            "has_texts": int(bool(texts)),
            "record": stored(event),
            **{name: event[name] for name in ("revision", "content_type", "language")},
        }
        self._index.execute("DELETE FROM renderings WHERE content_id = ?", (received.key,))
        self._index.execute_named(_PUT_ITEM, row)
        self._touched.add(received.key)

    def _signal(self, received: ReceivedSignal) -> None:
        record, key, topic = received.record, received.key, received.topic
        name = live_topic(topic).removeprefix(SIGNALS_PREFIX).rpartition(".v")[0]
        envelope = (record["event_time"], record["revision"], record["content_type"])
        touched = (key, received.timestamp, *envelope, record["language"])
        self._index.execute(_TOUCH_ITEM, touched)
        row = (key, topic, name, record["outcome"], received.timestamp, record["signal_id"])
        self._index.execute(
            "INSERT OR REPLACE INTO signals VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, stored(record))
        )
        self._put_labels(key, topic, name, record)
        self._put_vectors(key, topic, record)
        if not topic.startswith(RESTRICTED_PREFIX):
            self._put_history(received, name)
        if name in {AUDIO_TRANSCRIPT, PII}:
            self._touched.add(key)

    def _put_labels(self, key: str, topic: str, name: str, record: Mapping[str, Any]) -> None:
        self._index.execute("DELETE FROM labels WHERE content_id = ? AND topic = ?", (key, topic))
        if not topic.startswith(RESTRICTED_PREFIX):
            self._index.execute_all(
                "INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?)",
                [(key, topic, name, it.label, it.score, int(it.held)) for it in labels_of(record)],
            )

    def _put_vectors(self, key: str, topic: str, record: Mapping[str, Any]) -> None:
        self._index.execute("DELETE FROM vectors WHERE content_id = ? AND topic = ?", (key, topic))
        self._index.execute_all(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)",
            [(key, topic, it.field, it.model, it.vector) for it in vectors_of(record)],
        )

    def _put_history(self, received: ReceivedSignal, name: str) -> None:
        place = (received.topic, received.partition, received.offset, received.timestamp)
        self._index.execute(
            "INSERT OR IGNORE INTO history VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            (received.key, name, *place, compact(value_of(name, received.record))),
        )
        self._index.execute(
            "DELETE FROM history WHERE content_id = ? AND signal = ? AND number NOT IN (SELECT "
            "number FROM history WHERE content_id = ? AND signal = ? "
            "ORDER BY produced_ms DESC, offset DESC LIMIT ?)",
            (received.key, name, received.key, name, HISTORY),
        )

    def _document(self, received: ReceivedSignal) -> None:
        self._put_document(received, "")

    def _request(self, received: ReceivedSignal) -> None:
        self._put_document(received, received.record["request_id"])

    def _put_document(self, received: ReceivedSignal, name: str) -> None:
        text = compact(jsonable(received.record))
        key = str(received.record.get("content_id") or received.key)
        row = (key, received.topic, name, received.timestamp, text)
        self._index.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", row)

    def _rejection(self, received: ReceivedSignal) -> None:
        record = received.record
        if record["content_id"] and self._index.is_erased(record["content_id"], received.timestamp):
            return
        row = (
            *(received.topic, received.partition, received.offset, received.timestamp),
            *(record["rejection_class"], record["fault"], record["reason"], record["content_id"]),
            *(record["topic"], record["partition"], record["offset"]),
        )
        marks = ", ".join("?" * len(row))
        self._index.execute(f"INSERT OR REPLACE INTO rejections VALUES ({marks})", row)  # noqa: S608  # marks

    def _letter(self, received: ReceivedSignal) -> None:
        letter = letter_of(received)
        came = letter.came_from
        row = (
            *(received.topic, received.partition, received.offset, received.timestamp),
            *(letter.error_class, letter.reason, letter.attempt, len(received.value or b"")),
            *(received.key, *(came or (None, None, None))),
        )
        marks = ", ".join("?" * len(row))
        self._index.execute(f"INSERT OR REPLACE INTO letters VALUES ({marks})", row)  # noqa: S608  # marks

    def _stats(self, received: ReceivedSignal) -> None:
        record = received.record
        if record["window_ms"] != HOUR_MS:
            return
        names = ("signal", "model", "language", "content_type", "field", "window_start")
        row = (*(record[name] for name in names), compact(jsonable(record)))
        self._index.execute("INSERT OR REPLACE INTO stats VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _alert(self, received: ReceivedSignal) -> None:
        record = received.record
        row = (record["alert_id"], record["signal"], record["window_end"])
        self._index.execute(
            "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?)", (*row, compact(jsonable(record)))
        )

    def _search_anew(self, content_id: str) -> None:
        """The item's texts and transcript, masked where personal data is known to stand."""
        self._index.execute("DELETE FROM passages WHERE content_id = ?", (content_id,))
        signals = standing(self._index.execute, content_id, names=(AUDIO_TRANSCRIPT, PII))
        event = item_record(self._index.execute, content_id)
        pii = signals.get(PII)
        spans = spans_in(None if pii is None else pii.record) or {}
        texts = [(text["field"], text["text"]) for text in (event or {}).get("texts", ())]
        if (transcript := signals.get(AUDIO_TRANSCRIPT)) is not None:
            texts.append((TRANSCRIPT, transcript.record.get("text") or ""))
        self._index.execute_all(
            "INSERT INTO passages (content_id, field, text) VALUES (?, ?, ?)",
            [
                (content_id, field, masked(text, spans.get(field, ()))[:LONGEST_PASSAGE])
                for field, text in texts
                if text
            ],
        )


def letter_of(received: ReceivedSignal) -> DeadLetter:
    """The dead letter that a record of a topic of dead letters is."""
    return DeadLetter(
        place=Place(partition=received.partition, offset=received.offset),
        timestamp=received.timestamp,
        key=received.key.encode(),
        value=received.value,
        headers=list(received.headers.items()),
    )
