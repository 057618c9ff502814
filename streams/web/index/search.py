"""Lists items: the newest first, by words, by what signals say of them, or by likeness to one."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.expected import expected
from earmark.processors.signal import Part
from earmark.streams.topic import VERDICTS
from earmark.streams.web.filter import Filter
from earmark.streams.web.index.reader import IndexReader
from earmark.streams.web.masking import PII, masked, spans_in

OPEN, CLOSE, CUT = "\x02", "\x03", "\N{HORIZONTAL ELLIPSIS}"
SNIPPET_WORDS = 24
OPENING = 140  # signs of an item that has no title
MOST_WORDS = 20
INTEGRITY = "audio.integrity"
_WORD = re.compile(r"\w+", re.UNICODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Filter):
    """Which items are asked for; what is None is not asked."""

    words: str | None = None
    content_id: str | None = None
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Rows of items, as `/api/v1/items` gives them, and where to go on."""

    items: Sequence[dict[str, Any]]
    next: str | None = None


@dataclass(slots=True)
class _Query:
    """A SELECT put together: conditions and their values, in step."""

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values += values

    @property
    def where(self) -> str:
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def found_items(reader: IndexReader, wanted: Wanted) -> Found:
    """The items, the best matches of `words` or else the newest first.

    Raises ConfigurationError for an `after` that was not given here.
    """
    query = _conditions(wanted)
    if wanted.words is None:
        return _newest(reader, wanted, query)
    expression = match_expression(wanted.words)
    if expression is None:
        return Found(items=())
    return _by_words(reader, wanted, query, expression)


def filtered(reader: IndexReader, wanted: Wanted) -> set[str] | None:
    """The ids of the items that fit all but the words; None where any does."""
    query = _conditions(wanted)
    if not query.conditions:
        return None
    sql = f"SELECT items.content_id FROM items {query.where}"  # noqa: S608  # conditions from here
    return {row[0] for row in reader.rows(sql, query.values)}


def match_expression(words: str) -> str | None:
    """What FTS5 is asked: each word quoted, all of them, the last one as a beginning.

    None where there is no word in it. What the user writes is never read as FTS5's own language.
    """
    found = _WORD.findall(words)[:MOST_WORDS]
    if not found:
        return None
    quoted = [f'"{word}"' for word in found]
    return " ".join(quoted) + ("*" if words.rstrip() == words else "")


def rows_of(
    reader: IndexReader,
    content_ids: Sequence[str],
    similarity: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """The rows of these items, in their order; those that are not known are left out."""
    found = (_row(reader, content_id) for content_id in content_ids)
    rows = [row for row in found if row is not None]
    for row in rows:
        row["similarity"] = (similarity or {}).get(row["content_id"])
    return rows


def _newest(reader: IndexReader, wanted: Wanted, query: _Query) -> Found:
    if wanted.after is not None:
        changed_ms, content_id = place_in(wanted.after, int, str)
        query.add(
            "(changed_ms < ? OR (changed_ms = ? AND items.content_id > ?))",
            *(changed_ms, changed_ms, content_id),
        )
    sql = (
        f"SELECT items.content_id, changed_ms FROM items {query.where} "  # noqa: S608  # conditions from this module
        "ORDER BY changed_ms DESC, items.content_id LIMIT ?"
    )
    rows = reader.rows(sql, (*query.values, wanted.limit + 1))
    shown = rows[: wanted.limit]
    more = token_of(shown[-1][1], shown[-1][0]) if len(rows) > wanted.limit else None
    return Found(items=rows_of(reader, [row[0] for row in shown]), next=more)


def _by_words(reader: IndexReader, wanted: Wanted, query: _Query, expression: str) -> Found:
    (offset,) = place_in(wanted.after, int) if wanted.after is not None else (0,)
    where = query.where.replace("WHERE ", "AND ", 1)
    sql = (
        "SELECT passages.content_id, min(words.rank), words.rowid FROM words "  # noqa: S608  # likewise
        "JOIN passages ON passages.number = words.rowid "
        "JOIN items ON items.content_id = passages.content_id "
        f"WHERE words MATCH ? {where} GROUP BY passages.content_id "
        "ORDER BY min(words.rank), passages.content_id LIMIT ? OFFSET ?"
    )
    rows = reader.rows(sql, (expression, *query.values, wanted.limit + 1, offset))
    shown = rows[: wanted.limit]
    snippets = {row[0]: _snippet(reader, expression, row[2]) for row in shown}
    items = rows_of(reader, [row[0] for row in shown])
    for item in items:
        item["snippet"] = snippets[item["content_id"]]
    more = token_of(offset + wanted.limit) if len(rows) > wanted.limit else None
    return Found(items=items, next=more)


def _snippet(reader: IndexReader, expression: str, number: int) -> list[dict[str, Any]]:
    sql = f"SELECT snippet(words, 0, ?, ?, ?, {SNIPPET_WORDS}) FROM words WHERE words MATCH ? AND rowid = ?"  # noqa: E501, S608  # a number
    rows = reader.rows(sql, (OPEN, CLOSE, CUT, expression, number))
    return list(_parts(rows[0][0])) if rows else []


def _parts(snippet: str) -> Iterator[dict[str, Any]]:
    """The snippet in pieces that were hit and pieces that were not."""
    for piece in re.split(f"({OPEN}.*?{CLOSE})", snippet, flags=re.DOTALL):
        if text := piece.strip(OPEN + CLOSE):
            yield {"text": text, "hit": piece.startswith(OPEN)}


def _conditions(wanted: Wanted) -> _Query:
    query = _Query()
    if wanted.content_id is not None:
        query.add("instr(items.content_id, ?) > 0", wanted.content_id)
    if wanted.content_type is not None:
        query.add("items.content_type = ?", wanted.content_type)
    if wanted.language is not None:
        query.add("instr(lower(items.language) || '-', lower(?) || '-') = 1", wanted.language)
    if wanted.label is not None or wanted.min_score is not None:
        _add_label(query, wanted)
    if wanted.outcome is not None or (wanted.signal is not None and wanted.label is None):
        _add_signal(query, wanted)
    return query


def _add_label(query: _Query, wanted: Wanted) -> None:
    inner = _Query()
    if wanted.label is not None:
        inner.add("label = ?", wanted.label)
    if wanted.signal is not None:
        inner.add("signal = ?", wanted.signal)
    if wanted.min_score is None:
        inner.add("held")
    else:
        inner.add("score >= ?", wanted.min_score)
    query.add(
        f"items.content_id IN (SELECT content_id FROM labels {inner.where})",  # noqa: S608  # from above
        *inner.values,
    )


def _add_signal(query: _Query, wanted: Wanted) -> None:
    inner = _Query()
    if wanted.signal is not None:
        inner.add("signal = ?", wanted.signal)
    if wanted.outcome is not None:
        inner.add("outcome = ?", wanted.outcome)
    query.add(
        f"items.content_id IN (SELECT content_id FROM signals {inner.where})",  # noqa: S608  # from above
        *inner.values,
    )


def _row(reader: IndexReader, content_id: str) -> dict[str, Any] | None:
    item = reader.item(content_id)
    if item is None:
        return None
    names = {
        row[0]
        for row in reader.rows("SELECT signal FROM signals WHERE content_id = ?", (content_id,))
    }
    parts = [part for part, has in _parts_of(item) if has]
    known = item["has_audio"] is not None
    verdicts = reader.documents(content_id, VERDICTS)
    return {
        "content_id": content_id,
        "title": _title(reader, content_id, item),
        "content_type": item["content_type"],
        "language": item["language"],
        "event_ms": item["event_ms"],
        "signals": len(names),
        "complete": expected(item["content_type"], parts) <= names if known else None,
        "effects": list(verdicts[0]["effects"]) if verdicts else [],
        "duration_s": _duration_s(reader, content_id),
        "similarity": None,
        "snippet": _opening(reader, content_id, item),
    }


def _parts_of(item: Mapping[str, Any]) -> Iterator[tuple[Part, bool]]:
    yield Part.AUDIO, bool(item["has_audio"])
    yield Part.TEXTS, bool(item["has_texts"])


def _title(reader: IndexReader, content_id: str, item: Mapping[str, Any]) -> str | None:
    title = item["title"]
    if title is None:
        return None
    pii = reader.standing(content_id, (PII,)).get(PII)
    spans = spans_in(None if pii is None else pii.record) or {}
    texts = {text["field"]: text["text"] for text in item["record"]["texts"]}
    field_name = next((name for name, text in texts.items() if text.startswith(title)), "")
    return masked(title, spans.get(field_name, ()))


def _opening(
    reader: IndexReader, content_id: str, item: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """The first words of an item without a title, once it is known what of them is personal."""
    texts = () if item["title"] is not None or item["record"] is None else item["record"]["texts"]
    pii = reader.standing(content_id, (PII,)).get(PII)
    spans = spans_in(None if pii is None else pii.record)
    if not texts or spans is None:
        return None
    words = masked(texts[0]["text"], spans.get(texts[0]["field"], ()))
    cut = words if len(words) <= OPENING else words[:OPENING].rstrip() + CUT
    return [{"text": cut, "hit": False}]


def _duration_s(reader: IndexReader, content_id: str) -> float | None:
    standing = reader.standing(content_id, (INTEGRITY,)).get(INTEGRITY)
    found = None if standing is None else standing.record.get("decoded_duration_ms")
    return None if found is None else found / 1000


def token_of(*parts: object) -> str:
    """A token for the place behind these."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def place_in(token: str, *kinds: type) -> Any:
    """What a token holds; raises ConfigurationError for one that was not given here."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if [type(part) for part in parts] == list(kinds):
            return parts
    except (binascii.Error, ValueError, TypeError):
        pass
    raise ConfigurationError("after: this is no place in a list that was given here")
