"""Brings an event's media to this machine: inline bytes as they are, a uri as a local file."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from earmark.processors.content import Audio
from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.address import AddressPolicy, refused, scheme_of
from earmark.streams.circuit import Circuits
from earmark.streams.download import (
    BoundedFile,
    StoreDownload,
    WebDownload,
    check_size,
)
from earmark.streams.error import TransientError
from earmark.streams.resolver import DIRECT, INLINE, Resolved, Resolvers
from earmark.streams.room import Place, Room
from earmark.streams.settings import MediaSettings
from earmark.streams.spool import Spool

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.2  # before the second attempt; doubles with each further one
MEMORY_BYTES = 16_000_000  # of media in memory at once, beside those that events carry


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Media at hand: bytes, or a file. `release` removes the file if it is a temporary copy.

    `place` is the room that they take, where they are not the event's own.
    """

    content: bytes | Path
    temporary: bool = False
    place: Place | None = None

    @property
    def bytes_taken(self) -> int:
        """What they take in memory or on disk that they did not take before."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size if self.temporary else 0

    def release(self) -> None:
        """Give back what the fetch took; may be called twice."""
        if self.temporary and isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)
        if self.place is not None:
            self.place.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.release()


class InlineReader(Protocol):
    """Reads audio that lies in records of Kafka; see `earmark.streams.inline_audio`."""

    def read(self, audio: Audio, *, timeout_s: float) -> bytes:
        """The bytes that `audio.uri` names; raises ContentError or TransientError."""

    def close(self) -> None:
        """Leave the brokers."""


class _Download(Protocol):
    def copy(self, source: Resolved, file: BoundedFile) -> None: ...


class Fetcher:
    """Fetches media by the settings; safe to use from several threads at once.

    Remote media are copied to a spool folder under `spool_parent` (default: the system's folder
    for temporary files), which holds up to `spool_bytes` at once: a fetch waits until media before
    it are decoded, and calls `waiting` meanwhile. A uri of any scheme but http, https, s3, file and
    kafka goes through its resolver; those of Kafka are refused without an `inline` reader, which
    `close` closes. Messages never quote a uri's user, password or query, nor what a resolver gave.
    """

    def __init__(
        self,
        settings: MediaSettings,
        *,
        inline: InlineReader | None = None,
        spool_parent: Path | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> None:
        self._settings = settings
        self._policy = AddressPolicy(settings)
        self._resolvers = Resolvers(settings)
        self._inline = inline
        self._spool = Spool(spool_parent)
        self._disk = Room(settings.spool_bytes, waiting)
        self._memory = Room(MEMORY_BYTES, waiting)
        self._web = WebDownload(settings, self._policy)
        self._store = StoreDownload(settings)
        self._circuits = Circuits()

    def fetch(self, audio: Audio) -> Media:
        """The media of `audio`, whole; its digest is left to the decoder, which reads it anyway.

        `file://` under an allowed root is used in place. Raises ContentError with part `audio`:
        URI_REFUSED, MEDIA_GONE, MEDIA_TOO_LARGE, or MEDIA_UNREACHABLE after bounded attempts.
        """
        if audio.uri is None:
            self._check_size(len(audio.data or b""))
            return Media(content=audio.data or b"")
        scheme = scheme_of(audio.uri)
        if scheme not in {*DIRECT, INLINE}:
            self._resolvers.check(scheme)
        self._policy.check_scheme(audio.uri)
        self._check_size(audio.size_bytes or 0)
        if scheme == "file":
            return self._by_scheme(audio, audio.uri, scheme)
        room = self._memory if scheme == INLINE else self._disk
        with ExitStack() as on_failure:
            place = on_failure.enter_context(room.take(audio.size_bytes or 0))
            media = self._by_scheme(audio, audio.uri, scheme)
            place.hold(media.bytes_taken)
            on_failure.pop_all()
        return replace(media, place=place)

    @property
    def spooled_bytes(self) -> int:
        """What lies on disk, and what is on its way there as far as its size is known."""
        return self._disk.bytes

    def close(self) -> None:
        """Remove the spool folder, and leave Kafka; who waits for room gets ServiceError."""
        self._disk.close()
        self._memory.close()
        self._spool.close()
        if self._inline is not None:
            self._inline.close()

    def _by_scheme(self, audio: Audio, uri: str, scheme: str) -> Media:
        deadline = time.monotonic() + self._settings.timeout_s
        if scheme == INLINE:
            return self._from_record(audio, deadline)
        if scheme in DIRECT:
            direct = Resolved(uri=uri)
            return self._copied(direct, lambda: direct, deadline)

        def resolve() -> Resolved:
            return self._resolvers.resolved(uri, scheme)

        resolved = self._asked(
            f"the resolver of {scheme}", lambda: self._tried(lambda _: resolve(), deadline)
        )
        return self._copied(resolved, resolve, deadline)

    def _from_record(self, audio: Audio, deadline: float) -> Media:
        inline = self._inline
        if inline is None:
            raise refused("audio in records of Kafka is read by workers only")

        def read(_: int) -> bytes:
            return inline.read(audio, timeout_s=max(0.0, deadline - time.monotonic()))

        data = self._asked("Kafka", lambda: self._tried(read, deadline))
        self._check_size(len(data))
        return Media(content=data)

    def _copied(self, source: Resolved, resolve: Callable[[], Resolved], deadline: float) -> Media:
        """What lies at the uri; for each further attempt it is resolved anew."""
        parts = self._policy.check_uri(source.uri)
        if parts.scheme == "file":
            return self._in_place(source.uri)
        host = parts.netloc.rpartition("@")[2]
        return self._asked(host, lambda: self._spooled(source, resolve, deadline))

    def _in_place(self, uri: str) -> Media:
        path = self._policy.local_path(uri)
        self._check_size(path.stat().st_size)
        return Media(content=path)

    def _asked(self, host: str, ask: Callable[[], Answer]) -> Answer:
        """Ask the host, unless it has just failed others."""
        if wait_s := self._circuits.open_for_s(host):
            reason = f"the host has not answered others; it is asked again in {wait_s:.0f} s"
            raise ContentError(RejectionClass.MEDIA_UNREACHABLE, reason, part="audio")
        try:
            answer = ask()
        except ContentError as error:
            down = error.rejection_class == RejectionClass.MEDIA_UNREACHABLE
            (self._circuits.failed if down else self._circuits.answered)(host)
            raise
        self._circuits.answered(host)
        return answer

    def _spooled(self, source: Resolved, resolve: Callable[[], Resolved], deadline: float) -> Media:
        path = self._spool.new_file()
        with ExitStack() as on_failure:
            on_failure.callback(path.unlink, missing_ok=True)
            with path.open("wb") as stream:
                file = BoundedFile(stream, max_bytes=self._settings.max_bytes, deadline=deadline)

                def copy(attempt: int) -> None:
                    file.restart()
                    self._download(source if attempt == 1 else resolve(), file)

                self._tried(copy, deadline)
            on_failure.pop_all()
        return Media(content=path, temporary=True)

    def _download(self, source: Resolved, file: BoundedFile) -> None:
        scheme = self._policy.check_uri(source.uri).scheme
        download: _Download
        if scheme in {"http", "https"}:
            download = self._web
        elif scheme == "s3":
            download = self._store
        else:
            raise refused(f"media are not fetched by scheme {scheme}")
        download.copy(source, file)

    def _tried(self, attempt: Callable[[int], Answer], deadline: float) -> Answer:
        """What the attempt gives, made again as often as the settings say while it may pass."""
        number = 1
        while True:
            try:
                return attempt(number)
            except TransientError as error:
                if number < self._settings.attempts and _pause(number, deadline):
                    number += 1
                    continue
                reason = f"{error} (attempt {number} of {self._settings.attempts})"
                raise ContentError(
                    RejectionClass.MEDIA_UNREACHABLE, reason, part="audio"
                ) from error

    def _check_size(self, size_bytes: int) -> None:
        check_size(size_bytes, self._settings.max_bytes)


def _pause(attempt: int, deadline: float) -> bool:
    """Wait before the next attempt; False if there is no time left for one."""
    pause_s = FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  no secret
    if pause_s >= deadline - time.monotonic():
        return False
    time.sleep(pause_s)
    return True
