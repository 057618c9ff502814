"""From an event with audio to its blocks: fetched by a thread, decoded by a process.

Recordings that turn out to be long are not decoded at once: their events are set apart and come
back alone, to a process of their own that stands behind the others.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from earmark.processors.block import NO_SAMPLES, SAMPLE_RATE_HZ, Block, End
from earmark.processors.content import Audio, ContentEvent, stated_digest
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.media import digest, open_media
from earmark.processors.plan import Plan
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Fetcher, Media
from earmark.streams.flight import Flight
from earmark.streams.watchdog import Stage, Watchdog

PlanHeard = Callable[[ContentEvent, str], Plan]
Score = Callable[[Block], None]


class Hearing:
    """Hears events, each as its plan has it; `score` gets their blocks, from several threads.

    `decoders` serve recordings of ordinary length; `decoders_of_long` makes what serves the others,
    when the first of them comes. `plan_heard` plans an event again whose audio is only now known.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        fetchers: int,
        decoders: DecodePool,
        decoders_of_long: Callable[[], DecodePool],
        sets_apart: bool,
        watchdog: Watchdog,
        plan_heard: PlanHeard,
        score: Score,
    ) -> None:
        self._fetcher = fetcher
        self._fetchers = ThreadPoolExecutor(fetchers, "fetch")
        self._decoders = decoders
        self._make_decoders_of_long = decoders_of_long
        self._decoders_of_long: DecodePool | None = None
        self._sets_apart = sets_apart
        self._fetching: Stage = watchdog.stage("fetch")
        self._decoding: Stage = watchdog.stage("decode")
        self._plan_heard = plan_heard
        self._score = score
        self._failure: BaseException | None = None

    def begin(self, event: ContentEvent, flight: Flight, plan: Plan, *, is_long: bool) -> None:
        """Hear the event; its last block has an end. A long one was set apart before."""
        if event.audio is None or not plan.hears:
            self._score(_unheard(event, plan, stated_digest(event)))
            return
        if is_long and self._decoders_of_long is None:
            self._decoders_of_long = self._make_decoders_of_long()
        self._fetching.begin()
        self._fetchers.submit(
            self._fetch, event, event.audio, flight, plan, is_long
        ).add_done_callback(self._note_failure)

    def check(self) -> None:
        """Raise what ended a thread, or keeps processes from starting."""
        if self._failure is not None:
            raise self._failure
        for pool in (self._decoders, self._decoders_of_long):
            if pool is not None:
                pool.check()

    def close(self) -> None:
        """End all threads and processes; events without an end get none."""
        self._fetchers.shutdown(wait=False, cancel_futures=True)
        for pool in (self._decoders, self._decoders_of_long):
            if pool is not None:
                pool.close()
        self._fetcher.close()

    def _fetch(
        self, event: ContentEvent, audio: Audio, flight: Flight, plan: Plan, is_long: bool
    ) -> None:
        """In a fetching thread: bring the media here and hand them to a decode process."""
        flight.journey.begin("fetch")
        try:
            media = self._fetcher.fetch(audio)
            flight.journey.end("fetch")
            if stated_digest(event) is None and not flight.forced:
                sha256 = _digest(audio, media)
                flight.plan = plan = self._plan_heard(event, sha256)
                if not plan.hears:
                    media.release()
                    self._score(_unheard(event, plan, sha256))
                    return
        except ContentError as error:
            flight.journey.end("fetch")
            end = End(error=error)
            self._score(Block(event=event, samples_T=NO_SAMPLES, end=end, plan=plan))
        else:
            self._decoding.begin()
            flight.journey.begin("decode")
            pool = self._decoders_of_long if is_long else self._decoders
            whole = is_long or not self._sets_apart
            sink = self._sink(media, flight, plan, whole=whole)
            (pool or self._decoders).submit(event, media, sink, whole=whole)
        finally:
            self._fetching.end()

    def _sink(
        self, media: Media, flight: Flight, plan: Plan, *, whole: bool
    ) -> Callable[[Block], None]:
        def take(block: Block) -> None:
            flight.heard_s += len(block.samples_T) / SAMPLE_RATE_HZ
            if block.end is not None:
                media.release()
                self._decoding.end()
                flight.journey.end("decode")
                flight.long = not whole and _is_too_long(block.end)
            self._score(replace(block, plan=plan))
            self._decoding.moved()

        return take

    def _note_failure(self, future: Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self._failure = error


def _unheard(event: ContentEvent, plan: Plan, sha256: str | None) -> Block:
    """The only block of an event whose audio is not needed."""
    return Block(event=event, samples_T=NO_SAMPLES, end=End(audio_sha256=sha256), plan=plan)


def _is_too_long(end: End) -> bool:
    return end.error is not None and end.error.rejection_class == RejectionClass.MEDIA_TOO_LONG


def _digest(audio: Audio, media: Media) -> str:
    """The digest of media at hand; raises ContentError where they cannot be read."""
    with ExitStack() as on_failure:
        on_failure.callback(media.release)
        with open_media(audio, media.content) as source:
            sha256 = digest(source)
        on_failure.pop_all()
    return sha256
