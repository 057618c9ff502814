"""Reads signals and rejections back from Kafka, as committed and decoded."""

from collections.abc import Callable, Sequence
from typing import ParamSpec

from earmark.streams.endpoint import endpoint
from earmark.streams.settings import Settings
from earmark.streams.subscription.choice import chosen
from earmark.streams.subscription.iterator import AsyncSubscription, Subscription
from earmark.streams.subscription.name import topics_named
from earmark.streams.subscription.place import Position, Start, When, since_ms
from earmark.streams.subscription.received import ReceivedSignal

__all__ = [
    "AsyncSubscription",
    "ReceivedSignal",
    "Subscription",
    "subscribe",
    "subscribe_async",
    "topics_named",
]

Arguments = ParamSpec("Arguments")


def subscribe(
    *names: str,
    from_beginning: bool = False,
    since: When | None = None,
    start: Position | None = None,
    where: str | Sequence[str] = (),
    content_type: str | Sequence[str] = (),
    label: str | Sequence[str] = (),
    min_score: float | None = None,
    deletions: bool = False,
    group_id: str | None = None,
    auto_commit: bool = True,
    timeout_s: float | None = None,
    settings: Settings | None = None,
    bootstrap_servers: str | None = None,
    registry_url: str | None = None,
) -> Subscription:
    """An iterator over what is published from now on, or from an earlier place in the topics.

        for signal in earmark.subscribe("text.safety", label="hate", min_score=0.8):
            print(signal.key, signal.record["scores"])

    `names` are signals (`audio.loudness`), topics, `rejections`, `dead-letters`, or `all` (signals
    and rejections). Only committed records are read, in whatever released version of the schema
    they were written; those that cannot be read are counted in `unreadable` and passed over.

    It begins with what comes from now on, `from_beginning` of the topics, with what the brokers
    took `since` a time (a datetime; a timedelta or `"2h"` back), or at `start`: a position that
    `Subscription.position` gave, which is stored with one's own results for exactly-once hand-over.
    With a `group_id` the group's committed offsets decide, and its members share the topics. What
    was handed over is committed when the next record is asked for, or, without `auto_commit`, by
    `Subscription.commit`: at least once.

    `where` filters by fields of the record, see `earmark.streams.condition`; `content_type` and
    `label` by what they say, of several by any; `min_score` by the score of the label, or of any.
    Deletions have no fields: `deletions` lets them through whatever the filters are. The iterator
    ends when nothing has come for `timeout_s`, or after `close` or `stop`.

    It stands at its place in the topics when this returns: what is produced after that is seen.
    Raises ConfigurationError for unknown names or conditions, and for such as no record of these
    topics could meet (a field that none of them has); ServiceError where brokers or registry cannot
    be reached.
    """
    conditions = chosen(where, content_type=content_type, label=label, min_score=min_score)
    begin = Start(
        group_id=group_id,
        from_beginning=from_beginning,
        since_ms=None if since is None else since_ms(since),
        position=start,
    )
    topics = topics_named(names)
    return Subscription(
        endpoint(settings, bootstrap_servers=bootstrap_servers, registry_url=registry_url),
        topics,
        begin.checked(topics),
        conditions=conditions,
        deletions=deletions,
        timeout_s=timeout_s,
        auto_commit=auto_commit,
    )


def _in_thread(
    opened: Callable[Arguments, Subscription],
) -> Callable[Arguments, AsyncSubscription]:
    def subscribe_async(*names: Arguments.args, **options: Arguments.kwargs) -> AsyncSubscription:
        """What `subscribe` gives, for `async for`; it takes the same arguments.

            async with earmark.subscribe_async("text.safety") as signals:
                async for signal in signals:
                    print(signal.key)

        Brokers are asked in a thread, a batch at a time. It stands at its place in the topics when
        the block is entered, or the first record is asked for; errors of the arguments come then.
        """
        return AsyncSubscription(lambda: opened(*names, **options))

    return subscribe_async


subscribe_async = _in_thread(subscribe)
