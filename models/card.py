"""Model cards: what a model is, under which licence, and which bytes it is made of.

A card is a TOML file. The shipped ones stand in `models/cards/`; other packages add theirs through
the entry-point group `earmark.models`, whose entries name packages that hold `*.toml` cards.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from earmark.models.card_evaluation import (
    CardEvaluation,
    evaluation_problems,
    read_evaluations,
)
from earmark.models.error import ConfigurationError
from earmark.models.plugin import MODELS
from earmark.models.reading import Checkpoint, Instruction, problems

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # names become folders and files
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCHEMES = ("package", "file", "pypi", "hf", "https", "http")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One file to fetch, before conversion; any of `sources` gives the same bytes.

    `sha256` is lower-case hex, None where no one could state it when the card was written: then
    the hash of the first pull is kept and holds from there on. `size_bytes` is the file's length,
    `download_bytes` that of the archive around it; both serve progress bars, the first is also a
    limit.
    """

    name: str
    sources: tuple[str, ...]
    sha256: str | None = None
    size_bytes: int | None = None
    download_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One model at one version.

    `artefact` is the file that `ModelStore.path` answers with where none is named; `conversion`
    names the function of `earmark.models.convert` that makes the artefacts. `languages` are
    BCP-47, empty where the model has no language or any. `sample_rate_hz` is None for text.

    `evaluation` is of the model in place of a signal's own one, and of what was held out when it
    was trained; what is published stands in the signal's card. `unmeasured` says why there is
    neither.

    `checkpoint` says how a checkpoint of transformers is read, None for other models; `label_map`
    goes from its labels to ours, "" for those that are left out. `instruction` stands in place of
    files where the model is behind an endpoint.
    """

    name: str
    version: str
    task: str
    licence: str
    files: tuple[SourceFile, ...]
    conversion: str = "identity"
    artefact: str = "model.safetensors"
    default: bool = False
    paper: str | None = None
    training_data: str | None = None
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    sample_rate_hz: int | None = None
    note: str | None = None
    unmeasured: str | None = None
    evaluation: tuple[CardEvaluation, ...] = ()
    checkpoint: Checkpoint | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    instruction: Instruction | None = None

    @property
    def identity(self) -> str:
        """What decides the model's answers, as a hash; "" while nothing of it is known.

        That is the hash of the primary file; of a checkpoint also those of its other files, and
        how the card reads it; of a model behind an endpoint what the card tells it.
        """
        if self.instruction is not None:
            told = [asdict(self.instruction), list(self.labels), list(self.languages)]
            return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        if self.checkpoint is None:
            return self.sha256 or ""
        hashes = {file.name: file.sha256 for file in self.files}
        parts = [hashes, asdict(self.checkpoint), dict(self.label_map), list(self.languages)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def sha256(self) -> str | None:
        """The hash of the primary source file, the one that provenance names; None: no files."""
        return self.files[0].sha256 if self.files else None

    @property
    def pinned(self) -> bool:
        """Whether every byte of the model is known by its hash."""
        return all(file.sha256 is not None for file in self.files)


def read_card(text: str, *, where: str) -> ModelCard:
    """The card written in `text` (TOML); raises ConfigurationError that begins with `where`."""
    try:
        table = tomllib.loads(text)
        told, reading = table.pop("instruction", None), table.pop("checkpoint", None)
        listed = table.pop("files") if told is None else table.pop("files", ())
        card = ModelCard(
            files=tuple(SourceFile(**_tuples(file)) for file in listed),
            evaluation=read_evaluations(table.pop("evaluation", ())),
            checkpoint=None if reading is None else Checkpoint(**reading),
            instruction=None if told is None else Instruction(**told),
            **_tuples(table),
        )
    except (tomllib.TOMLDecodeError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(f"{where}: not a model card: {error}") from error
    for problem in _problems(card):
        raise ConfigurationError(f"{where}: {problem}")
    return card


def shipped_cards() -> Iterator[ModelCard]:
    """The cards that come with Earmark."""
    yield from cards_in(files("earmark") / "models" / "cards")


def installed_cards() -> Iterator[ModelCard]:
    """The cards of other installed packages, found by entry point."""
    for entry in entry_points(group=MODELS):
        try:
            folder = files(entry.module)
        except ImportError as error:
            raise ConfigurationError(
                f"entry point {entry.name!r} of {MODELS}: no package {entry.module!r}"
            ) from error
        yield from cards_in(folder)


def cards_in(folder: Path | Traversable) -> Iterator[ModelCard]:
    """The cards of a folder, by file name."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            yield read_card(file.read_text(encoding="utf-8"), where=str(file))


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _problems(card: ModelCard) -> Iterator[str]:
    if bool(card.files) == bool(card.instruction):
        yield "a card needs at least one [[files]], or an [instruction] and no files"
    for name in (card.name, card.version, card.artefact, *(file.name for file in card.files)):
        if not _SAFE_NAME.fullmatch(name):
            yield f"{name!r} cannot be the name of a file or folder"
    if card.checkpoint is not None:
        yield from problems(card.checkpoint)
    for file in card.files:
        yield from _file_problems(file)
    for measured in card.evaluation:
        yield from evaluation_problems(measured)


def _file_problems(file: SourceFile) -> Iterator[str]:
    if file.sha256 is not None and not _SHA256.fullmatch(file.sha256):
        yield f"{file.name}: sha256 must be 64 lower-case hex digits"
    if not file.sources:
        yield f"{file.name}: no sources"
    for source in file.sources:
        scheme, mark, _ = source.partition("://")
        if not mark or scheme not in _SCHEMES:
            yield f"{file.name}: source {source!r} begins with none of {', '.join(_SCHEMES)}"
        if scheme == "http" and file.sha256 is None:
            yield f"{file.name}: an http source needs a sha256, or anyone between may change it"
