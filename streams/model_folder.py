"""A card for a checkpoint in a folder or a repository: what `earmark models add` writes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.models.card import read_card
from earmark.models.error import ConfigurationError
from earmark.models.manifest import sha256_of
from earmark.models.source import Progress
from earmark.processors.taxonomy.harm import harms

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
_EXTRACTOR = "preprocessor_config.json"
_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w.-]+)?")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENTAILMENT = "entailment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a user says of the model; None and nothing are found out, or left to be filled in."""

    name: str | None = None
    kind: str | None = None
    licence: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    name: str
    source: str
    sha256: str | None = None
    size_bytes: int | None = None


def card_for(place: str, stated: Stated, progress: Progress) -> tuple[str, str]:
    """Name and text of the card for a folder's checkpoint, or for a repository's, `owner/name`.

    Raises ConfigurationError for what is neither, or holds what is never loaded.
    """
    folder = Path(place).expanduser()
    if folder.is_dir():
        return _folder_card(folder.resolve(), stated, progress)
    if _REPOSITORY.fullmatch(place):
        return _repository_card(place, stated)
    raise ConfigurationError(f"{place}: neither a folder nor a repository like owner/name")


def _folder_card(folder: Path, stated: Stated, progress: Progress) -> tuple[str, str]:
    config = _config(folder)
    paths = _weights(folder) + [
        folder / name
        for name in ("config.json", *_TOKENIZER, _EXTRACTOR)
        if (folder / name).is_file()
    ]
    files = []
    for done, path in enumerate(paths):
        progress(f"hash {path.name}", done, len(paths))
        files.append(
            _File(
                name=path.name,
                source=path.as_uri(),
                sha256=sha256_of(path),
                size_bytes=path.stat().st_size,
            )
        )
    name = stated.name or _UNSAFE.sub("-", folder.name)
    kind = stated.kind or _kind(config)
    return name, _text(name, "1", kind, stated, files, config)


def _repository_card(place: str, stated: Stated) -> tuple[str, str]:
    """The files are those that a repository of this kind holds as a rule; a pull will tell."""
    if stated.kind is None:
        raise ConfigurationError(
            f"{place}: say --task, since nothing is fetched before `earmark models pull`"
        )
    repository, _, revision = place.partition("@")
    revision = revision or "main"
    kept = [_EXTRACTOR] if stated.kind == "audio-classification" else list(_TOKENIZER[:2])
    files = [
        _File(name=name, source=f"hf://{repository}@{revision}/{name}")
        for name in (WEIGHTS, "config.json", *kept)
    ]
    name = stated.name or repository.partition("/")[2]
    return name, _text(name, revision, stated.kind, stated, files, {})


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{folder}: no config.json of a checkpoint: {error}") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{folder}: config.json holds no table")
    if config.get("auto_map"):
        raise ConfigurationError(
            f"{folder}: config.json names code of its own (auto_map), which is never run"
        )
    return config


def _weights(folder: Path) -> list[Path]:
    """The weights, the file that names the model first; pickles can carry code and do not count."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return [folder / INDEX, *sorted(p for p in folder.iterdir() if _SHARD.fullmatch(p.name))]
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if pickles:
        raise ConfigurationError(
            f"{folder}: its weights are pickled ({pickles[0]}), which can carry code; "
            "save them as safetensors"
        )
    raise ConfigurationError(f"{folder}: no {WEIGHTS}")


def _labels(config: Mapping[str, Any]) -> list[str]:
    named = config.get("id2label")
    if not isinstance(named, dict):
        return []
    return [str(named[number]) for number in sorted(named, key=int)]


def _kind(config: Mapping[str, Any]) -> str:
    architecture = str((config.get("architectures") or [""])[0])
    if architecture.endswith("ForAudioClassification"):
        return "audio-classification"
    if architecture.endswith("ForSequenceClassification"):
        is_nli = _ENTAILMENT in (label.lower() for label in _labels(config))
        return _ENTAILMENT if is_nli else "sequence-classification"
    if architecture.endswith("Model"):
        return "embedding"
    raise ConfigurationError(f"its architecture is {architecture or 'not named'}: say --task")


def _text(
    name: str,
    version: str,
    kind: str,
    stated: Stated,
    files: Sequence[_File],
    config: Mapping[str, Any],
) -> str:
    lines = [
        f"name = {_quoted(name)}",
        f"version = {_quoted(_UNSAFE.sub('-', version))}",
        f"task = {_quoted(kind)}",
        f"licence = {_quoted(stated.licence or 'unknown')}",
        "# BCP-47; without any, texts in every language are read",
        f"languages = [{', '.join(map(_quoted, stated.languages))}]",
        *([] if files[0].name == WEIGHTS else [f"artefact = {_quoted(files[0].name)}"]),
        "",
        "[checkpoint]",
        f"kind = {_quoted(kind)}",
        *_activation(kind, config),
        *_label_map(kind, config),
        *(line for file in files for line in _file_lines(file)),
    ]
    text = "\n".join(lines) + "\n"
    read_card(text, where=name)
    return text


def _activation(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    if kind == "embedding":
        yield 'query_prefix = "" # what the model wants before a text, if anything'
        yield 'passage_prefix = ""'
        return
    is_several = config.get("problem_type") == "multi_label_classification"
    yield "# sigmoid where each label stands for itself, softmax where they exclude each other"
    yield f'activation = "{"sigmoid" if is_several else "softmax"}"'


def _label_map(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Which of its labels are which of ours: only where they have the same name."""
    if kind not in {"sequence-classification", _ENTAILMENT}:
        return
    ours = (_ENTAILMENT,) if kind == _ENTAILMENT else tuple(harms())
    yield ""
    yield f"# its label = ours ({', '.join(ours)}), or an empty string to leave it out"
    yield "[label_map]"
    for label in _labels(config):
        same = re.sub(r"[\s-]", "_", label.lower())
        if same in ours:
            yield f"{_quoted(label)} = {_quoted(same)}"
        elif kind == _ENTAILMENT:
            yield f'{_quoted(label)} = ""'
        else:
            yield f"# {_quoted(label)} = # none of ours has this name: fill it in"


def _file_lines(file: _File) -> Iterator[str]:
    yield ""
    yield "[[files]]"
    yield f"name = {_quoted(file.name)}"
    if file.sha256 is not None:
        yield f"sha256 = {_quoted(file.sha256)}"
        yield f"size_bytes = {file.size_bytes}"
    yield f"sources = [{_quoted(file.source)}]"


def _quoted(text: str) -> str:
    """A basic string of TOML, which one of JSON is."""
    return json.dumps(text)
