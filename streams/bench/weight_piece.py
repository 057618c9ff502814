"""Weights in pieces that travel: files of a model store under 50 MB each, and whole again."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from earmark.models.store import ModelStore

PIECE_BYTES = 45_000_000
_SUFFIX = ".piece-"


def packed(store: ModelStore, cards: Iterable[str], folder: Path) -> list[Path]:
    """Write the models of these cards to `folder`, as they lie in the store, large files in pieces.

    Raises WeightsMissingError for a model that was never fetched.
    """
    written = []
    for card in cards:
        model = store.path(card).parent
        for file in sorted(path for path in model.rglob("*") if path.is_file()):
            written += _cut(file, folder / file.relative_to(store.root))
    return written


def joined(folder: Path) -> Path:
    """The folder itself, each file of it whole beside its pieces."""
    for first in sorted(folder.rglob(f"*{_SUFFIX}000")):
        whole = first.with_name(first.name.partition(_SUFFIX)[0])
        if not whole.exists():
            unfinished = whole.with_name(f"{whole.name}.part")
            with unfinished.open("wb") as file:
                for piece in sorted(whole.parent.glob(f"{whole.name}{_SUFFIX}*")):
                    with piece.open("rb") as part:
                        shutil.copyfileobj(part, file)
            unfinished.replace(whole)
    return folder


def _cut(file: Path, to: Path) -> list[Path]:
    to.parent.mkdir(parents=True, exist_ok=True)
    if file.stat().st_size <= PIECE_BYTES:
        return [Path(shutil.copyfile(file, to))]
    pieces: list[Path] = []
    with file.open("rb") as whole:
        while part := whole.read(PIECE_BYTES):
            pieces.append(to.with_name(f"{to.name}{_SUFFIX}{len(pieces):03}"))
            pieces[-1].write_bytes(part)
    return pieces
