"""Items that share a passage with one, by fingerprints: the index of `earmark match` is asked."""

from threading import Lock
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.streams.fingerprint_feed import feed
from earmark.streams.fingerprint_index import FingerprintIndex, Match
from earmark.streams.local.report import silent
from earmark.streams.web.access import RefusedError
from earmark.streams.web.index.search import rows_of
from earmark.streams.web.inspector import Inspector

_one = Lock()  # brings the index up to date at a time


def copies_of(inspector: Inspector, content_id: str, limit: int) -> list[dict[str, Any]] | None:
    """The rows of the items, with the places that are shared; None for an item not known.

    The index is first brought up to what stands on the topic. Raises RefusedError where it is that
    of another cluster.
    """
    if inspector.reader.item(content_id) is None:
        return None
    try:
        with _one, FingerprintIndex(inspector.settings.fingerprint_index) as index:
            feed(index, inspector.settings, silent)
            item = index.get(content_id)
            found = [] if item is None else index.match(item.fingerprint, leave_out=content_id)
    except ConfigurationError as error:
        raise RefusedError(409, f"{inspector.settings.fingerprint_index.name}: {error}") from error
    best: dict[str, Match] = {}
    for match in found:  # the best first
        best.setdefault(match.content_id, match)
    names = list(best)[:limit]
    rows = rows_of(inspector.reader, names, {name: best[name].score for name in names})
    return [row | _place(best[row["content_id"]]) for row in rows]


def _place(match: Match) -> dict[str, Any]:
    return {
        "matched_s": match.matched_ms / 1000,
        "start_s": match.start_ms / 1000,
        "offset_s": match.offset_ms / 1000,
        "same_pcm": match.same_pcm,
    }
