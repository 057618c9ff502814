"""A player for a recording whose bytes are at hand: they go into the page itself."""

from base64 import b64encode
from pathlib import Path

from earmark.processors.portrait.markup import Markup, element

LARGEST = 10_000_000  # bytes; a notebook keeps what it shows, a third longer than the file
_BEGINS = {  # what browsers play, by how it begins; the name of a file may be anything
    b"RIFF": "audio/wav",
    b"OggS": "audio/ogg",
    b"fLaC": "audio/flac",
    b"ID3": "audio/mpeg",
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
    b"\xff\xf1": "audio/aac",
    b"\x1aE\xdf\xa3": "audio/webm",
}


def player(recording: Path | bytes) -> Markup:
    """A player with the recording in it, or a line that says why there is none."""
    if isinstance(recording, Path):
        if not recording.is_file():
            return element("div", f"no file {recording}")
        size = recording.stat().st_size
        if size > LARGEST:
            return _too_large(size)
        recording = recording.read_bytes()
    if len(recording) > LARGEST:
        return _too_large(len(recording))
    kind = media_type(recording)
    if kind is None:
        return element("div", "no player: a kind of media that browsers may not play")
    source = f"data:{kind};base64,{b64encode(recording).decode('ascii')}"
    # not through `element`: nothing in it is to be escaped, and it is longer than any text
    return Markup(f'<audio controls preload="metadata" src="{source}"></audio>')


def media_type(recording: bytes) -> str | None:
    """What the bytes say that they are."""
    for begin, kind in _BEGINS.items():
        if recording.startswith(begin):
            return kind
    return "audio/mp4" if recording[4:8] == b"ftyp" else None


def _too_large(size: int) -> Markup:
    return element("div", f"no player: {size / 1e6:,.0f} MB are more than {LARGEST / 1e6:,.0f} MB")
