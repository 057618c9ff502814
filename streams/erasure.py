"""The table of erasure: every store that holds content or what was made of it, and how that goes.

An item is erased by an event with `change=DELETED`. The worker answers it with tombstones and a
receipt that outlives them, so that what comes later by a retry, a redrive or a promotion finds the
item gone. Kafka keeps the bytes of older records for a while; `earmark erase --verify` says which,
where, and until when (`earmark.streams.erasure_proof`).
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from earmark.streams.topic import (
    ALERTS,
    CONTENT_EVENTS,
    ITEMS,
    LONG_EVENTS,
    PROFILES,
    PROMOTIONS,
    RECEIPTS,
    REJECTIONS,
    REVIEW_DECISIONS,
    REVIEW_REQUESTS,
    STATS,
    VERDICTS,
    contract,
    dead_letter_topic,
    retry_topic,
)


class Reach(StrEnum):
    """How erasure reaches what a store holds."""

    TOMBSTONE = "TOMBSTONE"  # nothing stands from then on; compaction drops what stood
    RETENTION = "RETENTION"  # each record goes when its time is over
    EMPTIED = "EMPTIED"  # the record stays, without what was made of the content
    REMOVED = "REMOVED"  # a file or a row, taken away by the worker that owns it
    NO_CONTENT = "NO_CONTENT"  # there is nothing to erase
    OWNER = "OWNER"  # its owner erases it, we only read it


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One row: `name` is a topic or a pattern of topics, or a place elsewhere if not `topic`."""

    name: str
    holds: str
    reach: Reach
    how: str
    gone: str
    topic: bool = True


_COMPACTED = "8 days after the tombstone, with the next record of its partition"
_MONTH = "30 to 31 days after it came"
_WEEK = "7 to 8 days after it came"
_UNREAD = "superseded by the deletion when it is read"

STORES: tuple[Store, ...] = (
    Store(
        name=CONTENT_EVENTS,
        holds="events: texts, inline audio, uris",
        reach=Reach.RETENTION,
        how=_UNREAD,
        gone=_MONTH,
    ),
    Store(
        name=LONG_EVENTS,
        holds="events with long audio, as they came",
        reach=Reach.RETENTION,
        how=_UNREAD,
        gone=_MONTH,
    ),
    Store(
        name=retry_topic(CONTENT_EVENTS),
        holds="events that wait for another attempt",
        reach=Reach.RETENTION,
        how=_UNREAD,
        gone=_MONTH,
    ),
    Store(
        name=dead_letter_topic(CONTENT_EVENTS),
        holds="events that could not be used",
        reach=Reach.RETENTION,
        how="superseded when it is redriven; `earmark dlq purge` deletes all up to a time",
        gone=_MONTH,
    ),
    Store(
        name=f"{dead_letter_topic(CONTENT_EVENTS)}.redriven",
        holds="places and times of dead letters",
        reach=Reach.NO_CONTENT,
        how="-",
        gone="-",
    ),
    Store(
        name=ITEMS,
        holds="the latest event of each item, its media by reference",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker",
        gone=_COMPACTED,
    ),
    Store(
        name=PROMOTIONS,
        holds="answers of a replay on their way to the live topics",
        reach=Reach.RETENTION,
        how="refused by the worker, which looks at the receipt first",
        gone=_MONTH,
    ),
    Store(
        name=REJECTIONS,
        holds="ids, and why a part could not be used",
        reach=Reach.RETENTION,
        how="nothing reads it back",
        gone=_MONTH,
    ),
    Store(
        name="content.receipts.*",
        holds="ids, digests of what answers were made of",
        reach=Reach.EMPTIED,
        how="one without answers takes its place, and stays: it keeps the item away",
        gone="digests: 8 days after the deletion, with the next record of its partition",
    ),
    Store(
        name="signals.*",
        holds="answers: transcripts, labels, vectors, measures",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker of each signal",
        gone=_COMPACTED,
    ),
    Store(
        name="restricted.signals.*",
        holds="transcripts and redacted texts, where the signal's own topic lacks them",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker, beside that of the signal",
        gone=_COMPACTED,
    ),
    Store(
        name=PROFILES,
        holds="labels and numbers of all answers about an item",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker, and by the job that makes profiles",
        gone=_COMPACTED,
    ),
    Store(
        name=VERDICTS,
        holds="what policies make of an item, with places in its content",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker, and by the agents",
        gone=_COMPACTED,
    ),
    Store(
        name=REVIEW_REQUESTS,
        holds="ids, and the answers that humans are asked about",
        reach=Reach.RETENTION,
        how="not shown once the item is gone",
        gone=_MONTH,
    ),
    Store(
        name=STATS,
        holds="counts of signals, of no item",
        reach=Reach.NO_CONTENT,
        how="-",
        gone="-",
    ),
    Store(
        name=ALERTS,
        holds="findings about signals, of no item",
        reach=Reach.NO_CONTENT,
        how="-",
        gone="-",
    ),
    Store(
        name=REVIEW_DECISIONS,
        holds="what humans decided about an item",
        reach=Reach.TOMBSTONE,
        how="tombstone by the worker",
        gone=_COMPACTED,
    ),
    Store(
        name="replay.runs.v1",
        holds="what replays are to do, and the ids that they are limited to",
        reach=Reach.NO_CONTENT,
        how="-",
        gone="-",
    ),
    Store(
        name="replay.*",
        holds="answers, receipts, retried and dead events of a replay",
        reach=Reach.RETENTION,
        how="not replayed after the deletion, nor promoted; `earmark replay abort` deletes all",
        gone=_WEEK,
    ),
    Store(
        name="shadow.*",
        holds="answers of another model beside the live one",
        reach=Reach.RETENTION,
        how="nothing reads it back",
        gone=_WEEK,
    ),
    Store(
        name="<state>/<cluster>/<receipts>/<slot>/*.sqlite",
        holds="a worker's copy of its receipts, live or of a replay",
        reach=Reach.EMPTIED,
        how="rewritten with the receipt of the deletion",
        gone="with the deletion",
        topic=False,
    ),
    Store(
        name="<state>/<cluster>/<agents>/<slot>/items-*.sqlite",
        holds="the agents' copy of profiles, signals, verdicts, questions and decisions",
        reach=Reach.REMOVED,
        how="removed by the agents, as the tombstones come",
        gone="with the deletion",
        topic=False,
    ),
    Store(
        name="<state>/answers.sqlite",
        holds="answers about recordings, to be used again",
        reach=Reach.REMOVED,
        how="removed by the worker that answers the deletion; on machines that had the item "
        "earlier, with its days",
        gone="with the deletion; elsewhere 7 days after it was made, when others are kept",
        topic=False,
    ),
    Store(
        name="<state>/fingerprints.sqlite",
        holds="fingerprints of recordings: the index of `earmark match`",
        reach=Reach.REMOVED,
        how="removed by `earmark erase` on its machine; elsewhere, and from other files named by "
        "--index, by the next `earmark match --from-topic`, or by --remove",
        gone="with the deletion; elsewhere with the next --from-topic",
        topic=False,
    ),
    Store(
        name="<state>/<cluster>/inspector.sqlite",
        holds="the inspector's index: events, signals and their history, words, vectors, verdicts, "
        "rejections, drawings of recordings; of erased items a digest of their ids",
        reach=Reach.REMOVED,
        how="removed by `earmark web` as the deletion is read, and by `earmark erase` on its "
        "machine; made anew where it was not fed for 6 days",
        gone="with the deletion; elsewhere when `earmark web` next runs there",
        topic=False,
    ),
    Store(
        name="<state>/crashes/*.sqlite",
        holds="places of events in flight",
        reach=Reach.NO_CONTENT,
        how="-",
        gone="-",
        topic=False,
    ),
    Store(
        name="<temporary>/earmark-spool-*",
        holds="media on their way to the decoder",
        reach=Reach.REMOVED,
        how="removed when it is decoded; what a killed worker left, when the next one starts",
        gone="before the deletion is answered",
        topic=False,
    ),
    Store(
        name="<temporary>/earmark-serve-*",
        holds="the latest records of each item, for `earmark serve`; or the file of --table",
        reach=Reach.REMOVED,
        how="removed as the deletion is read",
        gone="with it, while `earmark serve` runs; the folder, with its process",
        topic=False,
    ),
    Store(
        name="files of subscribe --latest",
        holds="the latest records of a signal, for whoever asked for them",
        reach=Reach.REMOVED,
        how="removed as the deletion is read",
        gone="with the next update, or when it reads all again after 6 days",
        topic=False,
    ),
    Store(
        name="files of export",
        holds="records of signals; what stood at a moment",
        reach=Reach.OWNER,
        how="written where someone said; --as-of, run again, leaves out what was erased",
        gone="-",
        topic=False,
    ),
    Store(
        name="files of reports and --json",
        holds="ids and what was asked for; `earmark dlq show --raw`: a dead letter",
        reach=Reach.OWNER,
        how="written where someone said; erase them there",
        gone="-",
        topic=False,
    ),
    Store(
        name="media store",
        holds="recordings at the uris of events",
        reach=Reach.OWNER,
        how="only read; erase them there",
        gone="-",
        topic=False,
    ),
)


def store_of(topic: str, *, receipts_topic: str = RECEIPTS) -> Store | None:
    """The row of the table that a topic of Kafka belongs to; None where there is none."""
    name = RECEIPTS if topic == receipts_topic else topic
    rows = (store for store in STORES if store.topic)
    return next((store for store in rows if fnmatchcase(name, store.name)), None)


def erased_by_tombstone() -> tuple[str, ...]:
    """The topics of the contract on which a deleted item needs a tombstone, if anything stood."""
    return tuple(topic.name for topic in contract() if _has_tombstones(topic.name))


def _has_tombstones(topic: str) -> bool:
    store = store_of(topic)
    return store is not None and store.reach is Reach.TOMBSTONE
