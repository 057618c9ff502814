"""Brings an event's media to this machine: inline bytes as they are, a uri as a local file."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self
from urllib.parse import urlsplit

from earmark.processors.content import Audio
from earmark.processors.error import ContentError, RejectionClass
from earmark.streams.address import AddressPolicy, refused
from earmark.streams.circuit import Circuits
from earmark.streams.download import (
    BoundedFile,
    StoreDownload,
    TransientError,
    WebDownload,
    check_size,
)
from earmark.streams.settings import MediaSettings
from earmark.streams.spool import Spool

FIRST_PAUSE_S = 0.2  # before the second attempt; doubles with each further one


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Media at hand: bytes, or a file. `release` removes the file if it is a temporary copy."""

    content: bytes | Path
    temporary: bool = False

    def release(self) -> None:
        """Give back what the fetch took; may be called twice."""
        if self.temporary and isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.release()


class _Download(Protocol):
    def copy(self, uri: str, file: BoundedFile) -> None: ...


class Fetcher:
    """Fetches media by the settings; safe to use from several threads at once.

    Remote media are copied to a spool folder under `spool_parent` (default: the system's folder
    for temporary files). Messages never quote a uri's user, password or query.
    """

    def __init__(self, settings: MediaSettings, *, spool_parent: Path | None = None) -> None:
        self._settings = settings
        self._policy = AddressPolicy(settings)
        self._spool = Spool(spool_parent)
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
        scheme = self._policy.check_uri(audio.uri).scheme
        self._check_size(audio.size_bytes or 0)
        if scheme == "file":
            return self._in_place(audio.uri)
        return self._by_circuit(audio.uri, scheme)

    def close(self) -> None:
        """Remove the spool folder."""
        self._spool.close()

    def _in_place(self, uri: str) -> Media:
        path = self._policy.local_path(uri)
        try:
            self._check_size(path.stat().st_size)
        except OSError as error:  # it was there a moment ago
            raise ContentError(RejectionClass.MEDIA_GONE, "no such file", part="audio") from error
        return Media(content=path)

    def _by_circuit(self, uri: str, scheme: str) -> Media:
        """Ask the host, unless it has just failed others."""
        host = urlsplit(uri).netloc.rpartition("@")[2]
        if wait_s := self._circuits.open_for_s(host):
            reason = f"the host has not answered others; it is asked again in {wait_s:.0f} s"
            raise ContentError(RejectionClass.MEDIA_UNREACHABLE, reason, part="audio")
        try:
            media = self._spooled(uri, scheme)
        except ContentError as error:
            down = error.rejection_class == RejectionClass.MEDIA_UNREACHABLE
            (self._circuits.failed if down else self._circuits.answered)(host)
            raise
        self._circuits.answered(host)
        return media

    def _spooled(self, uri: str, scheme: str) -> Media:
        path = self._spool.new_file()
        with ExitStack() as on_failure:
            on_failure.callback(path.unlink, missing_ok=True)
            with path.open("wb") as stream:
                self._attempt(self._download_by(scheme), uri, self._bounded(stream))
            on_failure.pop_all()
        return Media(content=path, temporary=True)

    def _download_by(self, scheme: str) -> _Download:
        if scheme in {"http", "https"}:
            return self._web
        if scheme == "s3":
            return self._store
        raise refused(f"scheme {scheme} is not supported")

    def _attempt(self, download: _Download, uri: str, file: BoundedFile) -> None:
        for attempt in range(1, self._settings.attempts + 1):
            file.restart()
            try:
                download.copy(uri, file)
            except TransientError as error:
                if attempt < self._settings.attempts and _pause(attempt, file.remaining_s):
                    continue
                reason = f"{error} (attempt {attempt} of {self._settings.attempts})"
                raise ContentError(
                    RejectionClass.MEDIA_UNREACHABLE, reason, part="audio"
                ) from error
            except ValueError:
                # of yarl, the idna codec or s3fs, which know more rules than urllib; the cause is
                # dropped: its message may quote the uri
                raise refused("the uri, or one that it leads to, is malformed") from None
            else:
                return

    def _bounded(self, stream: BinaryIO) -> BoundedFile:
        deadline = time.monotonic() + self._settings.timeout_s
        return BoundedFile(stream, max_bytes=self._settings.max_bytes, deadline=deadline)

    def _check_size(self, size_bytes: int) -> None:
        check_size(size_bytes, self._settings.max_bytes)


def _pause(attempt: int, remaining_s: float) -> bool:
    """Wait before the next attempt; False if there is no time left for one."""
    pause_s = FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  no secret
    if pause_s >= remaining_s:
        return False
    time.sleep(pause_s)
    return True
