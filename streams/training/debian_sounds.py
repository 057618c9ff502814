"""Recordings in Debian's sound packages that may be trained on, with their licences.

    python -m earmark.streams.training.debian_sounds FOLDER OUT.jsonl --leave-out MANIFEST

FOLDER holds the packages, each unpacked (`dpkg-deb -x`) into a folder of its name. What a manifest
names as its source is left out, so that it can be measured on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from earmark.streams.evaluation.manifest import Row, read_manifest
from earmark.streams.training.manifest import write_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Recordings of one class in a package, read from its `debian/copyright`; at most so many."""

    package: str
    patterns: tuple[str, ...]
    label: str
    licence: str
    by: str
    most: int = 1_000


SOURCES = (
    *(
        Source(
            package=f"asterisk-core-sounds-{language}-wav",
            patterns=("**/*.wav",),
            label="speech",
            licence=licence,
            by=by,
            most=120,
        )
        for language, licence, by in (
            ("en", "CC-BY-SA-3.0", "Allison Smith"),
            ("es", "CC-BY-SA-3.0", "Allison Smith"),
            ("fr", "CC-BY-SA-3.0", "June Wallack"),
            ("it", "CC-BY-3.0", "Carlo Flora"),
            ("ru", "CC-BY-3.0", "Maxim"),
        )
    ),
    Source(
        package="asterisk-moh-opsound-wav",
        patterns=("**/*.wav",),
        label="music",
        licence="CC-BY-SA",
        by="Paul Shuler (Macroform), Manolo Camp, Reno Project",
    ),
    Source(
        package="singularity-music",
        patterns=("**/*.ogg",),
        label="music",
        licence="CC-BY-SA-3.0",
        by="Max McCracken",
    ),
    Source(
        package="minetest-data",
        patterns=("**/mods/*/sounds/*.ogg",),
        label="noise",
        licence="CC-BY-SA-3.0 (doors: CC-BY-3.0)",
        by="the authors of Minetest Game's sounds",
    ),
    Source(
        package="sound-theme-freedesktop",
        patterns=tuple(
            f"**/stereo/{name}.oga"
            for name in (
                *("alarm-clock-elapsed", "audio-volume-change", "camera-shutter", "complete"),
                *("device-added", "device-removed", "dialog-information", "message", "bell"),
                *("power-plug", "power-unplug", "screen-capture", "suspend-error", "trash-empty"),
            )
        ),
        label="noise",
        licence="CC-BY-SA-3.0 or CC-BY-3.0 by file",
        by="the authors named in its debian/copyright",
    ),
)
_NOT_SPOKEN = ("beep", "silence", "tone", "ascending", "descending", "priv-recordintro", "/moh/")


def rows(folder: Path, left_out: Sequence[Row]) -> Iterator[Row]:
    """A row for each recording that may be trained on; the same choice each time."""
    taken = " ".join(row.source for row in left_out)
    for source in SOURCES:
        package = folder / source.package
        paths = sorted(path for pattern in source.patterns for path in package.glob(pattern))
        paths = [path for path in paths if path.is_file() and not path.is_symlink()]
        free = [path for path in paths if str(path.relative_to(package)) not in taken]
        if source.label == "speech":
            free = [path for path in free if not any(word in str(path) for word in _NOT_SPOKEN)]
        order = np.random.default_rng(1).permutation(len(free))[: source.most]
        for path in (free[int(number)] for number in order):
            yield Row(
                id=f"{source.package}/{path.relative_to(package).with_suffix('')}",
                kind="sound",
                path=path.resolve(),
                labels={"class": source.label, "by": source.by},
                source=source.package,
                licence=source.licence,
            )


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--leave-out", multiple=True, type=click.Path(exists=True, path_type=Path))
def main(folder: Path, out: Path, leave_out: tuple[Path, ...]) -> None:
    """Write a manifest of the recordings in FOLDER to OUT."""
    left_out = [row for path in leave_out for row in read_manifest(path).rows]
    found = list(rows(folder, left_out))
    write_manifest(out, found)
    click.echo(f"{len(found)} recordings")


if __name__ == "__main__":
    main()
