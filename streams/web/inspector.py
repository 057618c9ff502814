"""What all endpoints share: settings, index, recordings, threads to wait in, and who looks on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from earmark.streams.group_lag import GroupLag
from earmark.streams.settings import Settings
from earmark.streams.web.hub import Hub
from earmark.streams.web.index.feeder import Feeder
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.place import index_of
from earmark.streams.web.index.reader import IndexReader
from earmark.streams.web.media import MediaShelf

Given = ParamSpec("Given")
Result = TypeVar("Result")

READERS = 4  # requests that read the index at a time
LAG_FRESH_S = 1.5  # for so long the lag of workers is given again, however many look on
WAITERS = 4  # and that wait for a recording, for brokers, or for a comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """Everything that answers need; made by `opened`."""

    settings: Settings
    reader: IndexReader
    feeder: Feeder
    hub: Hub
    media: MediaShelf
    lag: GroupLag
    readers: ThreadPoolExecutor
    waiters: ThreadPoolExecutor
    stopping: asyncio.Event

    async def read(
        self, action: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
    ) -> Result:
        """What a quick look into the index gives, made in a thread."""
        return await _within(self.readers, lambda: action(*args, **options))

    async def wait(
        self, action: Callable[Given, Result], *args: Given.args, **options: Given.kwargs
    ) -> Result:
        """What takes longer: brokers, media stores, comparisons."""
        return await _within(self.waiters, lambda: action(*args, **options))


async def _within(pool: ThreadPoolExecutor, action: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(pool, action)


def opened(settings: Settings, undo: ExitStack) -> Inspector:
    """The inspector of the settings' cluster, its index being fed; `undo` ends it.

    Raises ConfigurationError where its file is something else's, ServiceError where the brokers do
    not answer.
    """
    path, hub = index_of(settings), Hub()
    IndexFile(path).close()  # made where it is missing; what is something else is said here
    reader = IndexReader(path)
    undo.callback(reader.close)
    media = MediaShelf(settings, path, reader)
    undo.callback(media.close)
    feeder = undo.enter_context(
        Feeder(settings, path, arrived=hub.arrived, removed=media.drop_unknown)
    )
    lag = GroupLag(settings.kafka, group_id=settings.kafka.group_id, fresh_s=LAG_FRESH_S)
    undo.callback(lag.close)
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
    waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="waiting")
    undo.callback(readers.shutdown)
    undo.callback(waiters.shutdown, cancel_futures=True)
    undo.callback(media.stop)
    return Inspector(
        settings=settings,
        reader=reader,
        feeder=feeder,
        hub=hub,
        media=media,
        lag=lag,
        readers=readers,
        waiters=waiters,
        stopping=asyncio.Event(),
    )
