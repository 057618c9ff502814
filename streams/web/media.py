"""Recordings of items: fetched as the worker fetches them, kept while they are played, and drawn.

What is fetched is kept on disk for some minutes, up to a bound; drawings lie in the index, up to a
bound, and go with the item. Decoding happens in a process of its own.
"""

import json
import time
import wave
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock

import numpy as np

from earmark.models.error import ServiceError
from earmark.processors.block import SAMPLE_RATE_HZ, Block
from earmark.processors.codec import decode_event, event_codec
from earmark.processors.content import Audio, ContentEvent
from earmark.processors.error import ContentError, RejectionClass
from earmark.processors.media import check_digest, digest
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Fetcher, Media
from earmark.streams.inline_audio import InlineAudio
from earmark.streams.registry import Registry
from earmark.streams.settings import Settings
from earmark.streams.spool import Spool
from earmark.streams.web.index.file import IndexFile
from earmark.streams.web.index.reader import IndexReader
from earmark.streams.web.index.search import INTEGRITY
from earmark.streams.web.sketch import BANDS, Sketch, Sketching

KEPT_S = 600.0  # since it was last asked for
LONGEST_DECODE_S = 600.0
# what browsers play, by container and codec as `audio.integrity` names them; everything else, and
# what that signal has not looked at, is decoded for them: nothing of it is opened in this process
PLAYED = {
    ("wav", "pcm_s16le"): "audio/wav",
    ("mp3", "mp3"): "audio/mpeg",
    ("flac", "flac"): "audio/flac",
    ("ogg", "opus"): "audio/ogg",
    ("ogg", "vorbis"): "audio/ogg",
    ("adts", "aac"): "audio/aac",
    ("mp4", "aac"): "audio/mp4",
    ("matroska", "opus"): "audio/webm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A file that a browser plays."""

    path: Path
    media_type: str
    release: Callable[[], None]


class MediaShelf:
    """Recordings at hand; its methods block, from any thread, until `close`.

    Raises ContentError where a recording cannot be had or used.
    """

    def __init__(self, settings: Settings, index: Path, reader: IndexReader) -> None:
        self._settings, self._index, self._reader = settings, index, reader
        self._registry = Registry(settings.registry)
        codec = event_codec(self._registry.schema_by_id)
        self._fetcher = Fetcher(
            settings.media,
            inline=InlineAudio(settings.kafka, lambda payload: decode_event(payload, codec)),
        )
        self._spool = Spool()
        self._kept: OrderedDict[str, tuple[str, Playable, float]] = OrderedDict()
        self._lock = Lock()
        self._one = Lock()  # at a time is fetched and decoded
        self._pool: DecodePool | None = None
        self._stopped = Event()

    def stop(self) -> None:
        """Let those who wait for a recording give up."""
        self._stopped.set()

    def close(self) -> None:
        """Remove what was fetched, and end the decode process."""
        self.drop(lambda _: True)
        if self._pool is not None:
            self._pool.close()
        self._fetcher.close()
        self._spool.close()
        self._registry.close()

    def playable(self, content_id: str) -> Playable | None:
        """The item's recording as a browser plays it; None for an item without one."""
        audio = self._audio(content_id)
        if audio is None:
            return None
        with self._one:
            self.drop(self._is_old)
            kept = self._kept.get(content_id)
            if kept is not None and kept[0] == source_of(audio) and kept[1].path.exists():
                self._keep(content_id, kept[0], kept[1])
                return kept[1]
            made = self._made_playable(audio, self._played_kind(content_id))
            self._keep(content_id, source_of(audio), made)
            return made

    def sketch(self, content_id: str) -> Sketch | None:
        """The drawing of the item's recording, made where it is not there yet."""
        audio = self._audio(content_id)
        if audio is None:
            return None
        if (known := self.known_sketch(content_id, source_of(audio))) is not None:
            return known
        with self._one:
            if (known := self.known_sketch(content_id, source_of(audio))) is not None:
                return known
            sketching = Sketching()
            with self._fetcher.fetch(audio) as media:
                self._decode(audio, media, lambda block: sketching.add(block.samples_T))
            made = sketching.finish()
            self._store(content_id, source_of(audio), made)
        return made

    def known_sketch(self, content_id: str, source: str | None = None) -> Sketch | None:
        """The drawing if it has been made; of this source, where one is named."""
        query = "SELECT source, facts, low, high, level, mel FROM renderings WHERE content_id = ?"
        for found, facts, low, high, level, mel in self._reader.rows(query, (content_id,)):
            if source in {None, found}:
                return Sketch(
                    seconds=json.loads(facts)["seconds"],
                    low_N=np.frombuffer(low, np.float16),
                    high_N=np.frombuffer(high, np.float16),
                    level_N=np.frombuffer(level, np.float16),
                    mel_NM=np.frombuffer(mel, np.uint8).reshape(-1, BANDS),
                )
        return None

    def drop_unknown(self) -> None:
        """Let go of recordings whose items are gone."""
        self.drop(lambda content_id: self._audio(content_id) is None)

    def drop(self, is_meant: Callable[[str], bool]) -> None:
        """Let go of the recordings of these items."""
        for content_id in list(self._kept):
            if is_meant(content_id):
                with self._lock:
                    kept = self._kept.pop(content_id, None)
                if kept is not None:
                    kept[1].release()

    def _is_old(self, content_id: str) -> bool:
        kept = self._kept.get(content_id)
        return kept is not None and time.monotonic() - kept[2] > KEPT_S

    def _keep(self, content_id: str, source: str, made: Playable) -> None:
        with self._lock:
            before = self._kept.pop(content_id, None)
            self._kept[content_id] = (source, made, time.monotonic())
        if before is not None and before[1] is not made:
            before[1].release()
        sizes = {name: kept[1].path.stat().st_size for name, kept in self._kept.items()}
        for name in list(self._kept)[:-1]:
            if sum(sizes.values()) <= self._settings.web.media_bytes:
                return
            del sizes[name]
            self.drop(name.__eq__)

    def _played_kind(self, content_id: str) -> str | None:
        """The media type by which browsers play the recording; None: by none."""
        standing = self._reader.standing(content_id, (INTEGRITY,)).get(INTEGRITY)
        if standing is None or standing.record["outcome"] != "OK":
            return None
        return PLAYED.get((standing.record["container"], standing.record["codec"]))

    def _made_playable(self, audio: Audio, kind: str | None) -> Playable:
        media = self._fetcher.fetch(audio)
        try:
            path = self._on_disk(media)
            if kind is not None:
                _check_digest(audio, path)
                return Playable(path=path, media_type=kind, release=lambda: self._gone(media, path))
            decoded = self._decoded(audio, media)
        except (ContentError, ServiceError, OSError):
            media.release()
            raise
        self._gone(media, path)
        return Playable(
            path=decoded,
            media_type="audio/wav",
            release=lambda: decoded.unlink(missing_ok=True),
        )

    def _on_disk(self, media: Media) -> Path:
        if isinstance(media.content, Path):
            return media.content
        path = self._spool.new_file()
        path.write_bytes(media.content)
        return path

    def _gone(self, media: Media, path: Path) -> None:
        """Remove what was copied here; a file that is served in place stays."""
        if isinstance(media.content, bytes):
            path.unlink(missing_ok=True)
        media.release()

    def _decoded(self, audio: Audio, media: Media) -> Path:
        path = self._spool.new_file()
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(SAMPLE_RATE_HZ)

            def write(block: Block) -> None:
                scaled_T = np.clip(block.samples_T, -1, 1) * 32_767
                writer.writeframes(scaled_T.astype("<i2").tobytes())

            self._decode(audio, media, write)
        return path

    def _decode(self, audio: Audio, media: Media, take: Callable[[Block], None]) -> None:
        """Pass on all samples; what is wrong with the recording matters only if none came."""
        if self._pool is None:
            self._pool = DecodePool(1, max_hours=self._settings.media.max_hours)
        event = ContentEvent(event_id="inspector", content_id="inspector", audio=audio)
        blocks: SimpleQueue[Block] = SimpleQueue()
        self._pool.submit(event, media, blocks.put)
        deadline, heard = time.monotonic() + LONGEST_DECODE_S, 0
        while True:
            block = next_block(blocks, self._pool, deadline=deadline, stopped=self._stopped)
            if len(block.samples_T):
                heard += len(block.samples_T)
                take(block)
            if block.end is not None:
                if block.end.error is not None and not heard:
                    raise block.end.error
                return

    def _audio(self, content_id: str) -> Audio | None:
        item = self._reader.item(content_id)
        found = (item or {}).get("record")
        audio = (found or {}).get("audio")
        if audio is None or audio["uri"] is None:
            return None
        names = ("uri", "media_type", "size_bytes", "sha256")
        return Audio(**{name: audio[name] for name in names})

    def _store(self, content_id: str, source: str, made: Sketch) -> None:
        """Keep the drawing, and the others as far as there is room; not that of a gone item."""
        parts = [it.tobytes() for it in (made.low_N, made.high_N, made.level_N, made.mel_NM)]
        size, now_ms = sum(map(len, parts)), time.time_ns() // 1_000_000
        with closing(IndexFile(self._index)) as index, index.transaction():
            there = index.execute("SELECT 1 FROM items WHERE content_id = ?", (content_id,))
            if there.fetchone() is None:
                return
            facts = json.dumps({"seconds": made.seconds})
            row = (content_id, source, now_ms, size, facts, *parts)
            marks = ", ".join("?" * len(row))
            index.execute(f"INSERT OR REPLACE INTO renderings VALUES ({marks})", row)  # noqa: S608  # marks
            index.execute(
                "DELETE FROM renderings WHERE content_id IN (SELECT content_id FROM (SELECT "
                "content_id, sum(size_bytes) OVER (ORDER BY used_ms DESC, content_id) AS taken "
                "FROM renderings) WHERE taken > ?)",
                (max(self._settings.web.cache_bytes, size),),
            )


def source_of(audio: Audio) -> str:
    """Which recording it is, as far as the event says."""
    return sha256(f"{audio.uri}\x1f{audio.sha256}\x1f{audio.size_bytes}".encode()).hexdigest()


def _check_digest(audio: Audio, path: Path) -> None:
    """Raises ContentError where the bytes are not those that the event names."""
    with path.open("rb") as source:
        check_digest(audio, source, digest(source))


def next_block(
    blocks: "SimpleQueue[Block]", pool: DecodePool, *, deadline: float, stopped: Event
) -> Block:
    """The next block of a pool.

    Raises ContentError where none comes in time, ServiceError where nobody waits any more.
    """
    while time.monotonic() < deadline:
        if stopped.is_set():
            raise ServiceError("the server stops")
        try:
            return blocks.get(timeout=1.0)
        except Empty:
            pool.check()
    reason = f"not decoded in {LONGEST_DECODE_S:g} s"
    raise ContentError(RejectionClass.DECODER_STALLED, reason, part="audio")
