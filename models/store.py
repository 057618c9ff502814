"""The model store: finds, fetches, converts and verifies weights.

A model lives in `<root>/<name>/<version>/`: its artefacts (safetensors and JSON) and
`manifest.json`, which states the hashes of the source files they were made from, the conversion
that made them, and their own. The folder appears whole, by one rename, or not at all.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from earmark.models.card import ModelCard, SourceFile, cards_in, installed_cards, shipped_cards
from earmark.models.convert import conversion_id, convert
from earmark.models.error import ConfigurationError, WeightsCorruptError, WeightsMissingError
from earmark.models.manifest import Manifest, read_manifest, sha256_of, write_manifest
from earmark.models.source import Progress, SourceError, obtain

_STAGING = ".pull-"  # a pull on its way, beside the versions


def default_home() -> Path:
    """Where Earmark keeps what it fetched: `earmark` in the user's cache folder.

    Source of the rule: XDG Base Directory Specification 0.8.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache") / "earmark"


def _silent(label: str, done: int, total: int | None) -> None:
    """Progress for those who do not watch."""


class ModelStore:
    """The models under `root`, by default those in the user's cache folder.

    `offline` refuses every source that is not on this machine.
    """

    def __init__(self, root: Path | None = None, *, offline: bool = False) -> None:
        self.root = root if root is not None else default_home() / "models"
        self.offline = offline

    def cards(self) -> Mapping[str, ModelCard]:
        """All known cards by name, hashes of first pulls filled in.

        Those of `<root>/cards/` come over those of installed packages, these over the shipped.
        Raises ConfigurationError for a card that cannot be read.
        """
        return {name: self._pinned(card) for name, card in self._cards.items()}

    def card(self, name: str) -> ModelCard:
        """The card `name`; raises ConfigurationError that lists the known names."""
        if name not in self._cards:
            known = ", ".join(sorted(self._cards))
            raise ConfigurationError(f"no model card {name!r}; known: {known}")
        return self._pinned(self._cards[name])

    def path(self, name: str, file: str | None = None) -> Path:
        """The artefact `file` of the model, by default its primary one, verified.

        Each process hashes a file once. Raises WeightsMissingError or WeightsCorruptError, whose
        messages name the card, the file and the command that mends it.
        """
        card = self.card(name)
        file = file or card.artefact
        recorded = self._manifest(card, file).artefacts.get(file)
        path = self._folder(card) / file
        if recorded is None or not path.is_file():
            raise _missing(card, file)
        if sha256_of(path) != recorded:
            raise WeightsCorruptError(
                f"{name}: {path} has changed since it was made; {_hint(card)}"
            )
        return path

    def verify(self, name: str) -> None:
        """Hash every artefact of the model; raises as `path` does."""
        card = self.card(name)
        if card.instruction is not None:
            return  # it lies behind an endpoint
        for file in self._manifest(card, card.artefact).artefacts:
            self.path(name, file)

    def folder(self, name: str) -> Path:
        """Where all artefacts of the model lie, each verified; raises as `path` does."""
        self.verify(name)
        return self._folder(self.card(name))

    def is_present(self, name: str) -> bool:
        """Whether the model is here, whole and right."""
        try:
            self.verify(name)
        except (WeightsMissingError, WeightsCorruptError):
            return False
        return True

    def pull(self, name: str, progress: Progress = _silent) -> Path:
        """Fetch and convert the model unless it is here; its primary artefact.

        Pulls of one model by several processes happen one after the other. Raises
        WeightsMissingError where no source answers, WeightsCorruptError where one answers with
        other bytes than the card states, ConfigurationError for a model behind an endpoint.
        """
        if self.card(name).instruction is not None:
            raise ConfigurationError(f"{name} is served by an endpoint: there is nothing to pull")
        if not self.is_present(name):
            card = self.card(name)
            with self._lock(card):
                if not self.is_present(name):  # another process may have pulled it while we waited
                    self._install(card, progress)
        return self.path(name)

    @cached_property
    def _cards(self) -> dict[str, ModelCard]:
        own = self.root / "cards"
        mine = cards_in(own) if own.is_dir() else iter(())
        return {card.name: card for card in chain(shipped_cards(), installed_cards(), mine)}

    def _folder(self, card: ModelCard) -> Path:
        return self.root / card.name / card.version

    def _manifest(self, card: ModelCard, file: str) -> Manifest:
        """What is recorded of the model as this card and this release would make it."""
        manifest = read_manifest(self._folder(card))
        if manifest is None or manifest.conversion != conversion_id(card.conversion):
            raise _missing(card, file)
        if any(manifest.sources.get(source.name) != source.sha256 for source in card.files):
            raise _missing(card, file)
        return manifest

    def _pinned(self, card: ModelCard) -> ModelCard:
        """The card with the hashes of its first pull where it states none itself."""
        manifest = None if card.pinned else read_manifest(self._folder(card))
        if manifest is None:
            return card
        recorded = manifest.sources
        files = (replace(f, sha256=f.sha256 or recorded.get(f.name)) for f in card.files)
        return replace(card, files=tuple(files))

    @contextmanager
    def _lock(self, card: ModelCard) -> Iterator[None]:
        """One process at a time; the system drops the lock of one that dies."""
        folder = self.root / card.name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _install(self, card: ModelCard, progress: Progress) -> None:
        place = self.root / card.name
        for left_by_a_killed_process in place.glob(f"{_STAGING}*"):
            shutil.rmtree(left_by_a_killed_process)
        with tempfile.TemporaryDirectory(dir=place, prefix=_STAGING) as staging:
            fetched, made = Path(staging) / "fetched", Path(staging) / "made"
            fetched.mkdir()
            made.mkdir()
            sources = {file.name: fetched / file.name for file in card.files}
            hashes = {f.name: self._fetch(card, f, sources[f.name], progress) for f in card.files}
            progress(f"{card.name}: convert", 0, None)
            convert(card.conversion, sources, made)
            write_manifest(made, sources=hashes, conversion=conversion_id(card.conversion))
            _swap(made, self._folder(card), Path(staging) / "replaced")

    def _fetch(self, card: ModelCard, file: SourceFile, target: Path, progress: Progress) -> str:
        """Bring one source file to `target`; its sha256. The hash decides which source will do."""
        label, failures, changed = f"{card.name}: {file.name}", [], False
        for source in file.sources:
            try:
                obtain(source, file, target, offline=self.offline, label=label, progress=progress)
            except SourceError as error:
                failures.append(str(error))
                continue
            found = sha256_of(target)
            if file.sha256 in {None, found}:
                return found
            target.unlink()
            changed = True
            failures.append(f"{source}: sha256 is {found}, the card states {file.sha256}")
        error_type = WeightsCorruptError if changed else WeightsMissingError
        raise error_type(f"{label}: no source gave it: {'; '.join(failures)}")


def _swap(new: Path, place: Path, aside: Path) -> None:
    for file in new.iterdir():
        file.chmod(0o644)  # some writers make private files; a worker may run as someone else
    if place.exists():
        place.rename(aside)
    new.rename(place)


def _hint(card: ModelCard) -> str:
    return f"run `earmark models pull {card.name}`"


def _missing(card: ModelCard, file: str) -> WeightsMissingError:
    return WeightsMissingError(f"{card.name}: {file} is not in the model store; {_hint(card)}")
