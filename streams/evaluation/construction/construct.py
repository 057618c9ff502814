"""Data sets by construction, for signals whose truth follows from how a recording is made."""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.models.source import Progress
from earmark.streams.evaluation.construction.recording import Construct
from earmark.streams.evaluation.manifest import FILE_NAME

NAME = "constructed"  # of the data set, and so of its folder
LICENCE = "Apache-2.0"

# where they are made: the modules here load synthesisers and codecs, so each when it is asked for
_MADE: Mapping[str, str] = {
    "audio.embedding": "music:ensembles",
    "audio.fingerprint": "copy:recordings",
    "audio.integrity": "fault:recordings",
    "audio.key": "music:recordings",
    "audio.loudness": "loudness:recordings",
    "audio.rhythm": "music:recordings",
}


def constructed(signal: str, folder: Path, progress: Progress | None = None) -> Path:
    """Make the recordings for the signal and their manifest below `folder`; where they lie.

    Raises ConfigurationError for a signal of which nothing is known by construction, and for a
    folder that cannot be written.
    """
    if signal not in _MADE:
        known = ", ".join(sorted(_MADE))
        raise ConfigurationError(f"no rows are made for {signal!r}, only for {known}: name --data")
    module, _, name = _MADE[signal].partition(":")
    make: Construct = getattr(import_module(f"{__package__}.{module}"), name)
    root = folder / NAME
    try:
        root.mkdir(parents=True, exist_ok=True)
        rows = list(make())
        with (root / FILE_NAME).open("w", encoding="utf-8") as manifest:
            for number, row in enumerate(rows):
                file = f"{row.id}{row.suffix}"
                (root / file).write_bytes(row.data())
                line = {"id": row.id, "kind": "constructed", "path": file}
                source = row.labels.get("recording", row.id)  # copies stand and fall together
                more = {"labels": dict(row.labels), "source": source, "licence": LICENCE}
                manifest.write(json.dumps(line | more) + "\n")
                if progress:
                    progress("make rows", number + 1, len(rows))
    except OSError as error:
        raise ConfigurationError(f"{root}: {error.strerror or error}") from error
    return root
