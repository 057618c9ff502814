"""Writes a package that brings one signal: module, schema, cards, thresholds, tests.

The text of each file stands in `files/`: what all have, then what one for audio or text has.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.models.error import ConfigurationError
from earmark.processors.conformance import NAME, record_name
from earmark.processors.loader import load_specs
from earmark.processors.release import release
from earmark.processors.schema import avro_folder
from earmark.processors.wav import wav_bytes

KINDS = ("audio", "text")
RATE_HZ = 16_000
_ENVELOPE_OF = "audio.loudness"  # which shipped schema lends its envelope

_SCORE = {"name": "score", "type": ["null", "double"], "default": None}
_LABELS = {"name": "labels", "type": {"type": "array", "items": "string"}, "default": []}
_OWN: Mapping[str, list[dict[str, Any]]] = {
    "text": [
        {**_SCORE, "doc": "The highest of the fields' scores, in [0, 1], uncalibrated."},
        {**_LABELS, "doc": "What the score is high enough for, by the threshold."},
        {
            "name": "fields",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "{record}Field",
                    "doc": "The score of one text.",
                    "fields": [
                        {"name": "field", "type": "string", "doc": "The text's field."},
                        {"name": "score", "type": "double", "doc": "In [0, 1], uncalibrated."},
                    ],
                },
            },
            "doc": "The texts that have words.",
            "default": [],
        },
    ],
    "audio": [
        {**_SCORE, "doc": "The mean over the recording, in [0, 1], uncalibrated."},
        {**_LABELS, "doc": "What the score is high enough for, by the threshold."},
        {
            "name": "segments",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "{record}Segment",
                    "doc": "A part of the recording whose score is over the threshold.",
                    "fields": [
                        {"name": "start_ms", "type": "long", "doc": "Where it begins."},
                        {"name": "end_ms", "type": "long", "doc": "Where it ends."},
                        {"name": "score", "type": "double", "doc": "In [0, 1], uncalibrated."},
                    ],
                },
            },
            "doc": "Where the score is over the threshold, in order.",
            "default": [],
        },
    ],
}
_GOLDEN: Mapping[str, dict[str, Any]] = {
    "text": {"fields": [{"field": "title", "score": 0.75}]},
    "audio": {"segments": [{"start_ms": 0, "end_ms": 1000, "score": 0.75}]},
}


def write_package(name: str, *, kind: str, folder: Path) -> list[Path]:
    """The files of a package for the signal `name`, written below `folder`, in order.

    `kind` is what the signal reads, one of `KINDS`. Raises ConfigurationError for a name that no
    signal may have or one that has, and where something stands in the way.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of a signal: it should look like audio.noise or text.spoilers"
        )
    if name in load_specs():
        raise ConfigurationError(f"there is a signal {name} already")
    root = folder / name.replace(".", "-").replace("_", "-")
    if root.exists():
        raise ConfigurationError(f"{root} is there already")
    package = name.replace(".", "_")
    for path, text in _texts(name, kind, package):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    if kind == "audio":
        for file, samples_T in _recordings():
            (root / "evaluation" / file).write_bytes(wav_bytes(samples_T, RATE_HZ))
    release(root / package / "avro")
    return sorted(path for path in root.rglob("*") if path.is_file())


def _texts(name: str, kind: str, package: str) -> Iterator[tuple[str, str]]:
    weights = _file(kind, "weights.json").read_text(encoding="utf-8")
    words = {
        "name": name,
        "package": package,
        "dist": package.replace("_", "-"),
        "record": record_name(name),
        "label": name.rpartition(".")[2],
        "sha256": sha256(weights.encode()).hexdigest(),
        "size": str(len(weights.encode())),
    }

    def filled(folder: str, template: str) -> str:
        text = _file(folder, f"{template}.template").read_text(encoding="utf-8")
        return Template(text).substitute(words)

    yield "pyproject.toml", filled("any", "pyproject.toml")
    yield "README.md", filled("any", "README.md")
    yield f"{package}/__init__.py", filled("any", "init.py")
    yield f"{package}/scorer.py", filled(kind, "scorer.py")
    yield f"{package}/weights.json", weights
    yield f"{package}/cards/__init__.py", '"""Cards of the models."""\n'
    yield f"{package}/cards/{name}.toml", filled("any", "card.toml")
    yield f"{package}/signal_cards/{name}.toml", filled("any", "signal_card.toml")
    yield f"{package}/thresholds/{name}.toml", filled("any", "thresholds.toml")
    yield f"{package}/avro/signals/{name}.v1.avsc", _json(_schema(name, kind))
    yield f"{package}/avro/golden/signals/{name}.v1.json", _json(_golden(name, kind))
    yield f"{package}/evaluation.py", filled("any", "evaluation.py")
    yield "evaluation/manifest.jsonl", filled(kind, "manifest.jsonl")
    yield f"tests/test_{package}.py", filled(kind, "test.py")


def _recordings() -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What the manifest for audio names: a second each."""
    at_T = np.arange(RATE_HZ) / RATE_HZ
    random = np.random.default_rng(1)
    for number, hertz in enumerate((110, 220), start=1):
        yield f"low-{number}.wav", 0.2 * np.sin(2 * np.pi * hertz * at_T)
        yield f"noise-{number}.wav", random.uniform(-0.2, 0.2, RATE_HZ)


def _schema(name: str, kind: str) -> dict[str, Any]:
    """The envelope as all signals have it, and behind it the fields of the kind."""
    record = record_name(name)
    shipped = json.loads(_shipped(f"signals/{_ENVELOPE_OF}.v1.avsc"))
    names = [field["name"] for field in shipped["fields"]]
    envelope = shipped["fields"][: names.index("provenance") + 1]
    own = json.loads(json.dumps(_OWN[kind]).replace("{record}", record))
    doc = f"What {name} says of an item."
    return {**shipped, "name": record, "doc": doc, "fields": [*envelope, *own]}


def _golden(name: str, kind: str) -> dict[str, Any]:
    shipped = json.loads(_shipped(f"golden/signals/{_ENVELOPE_OF}.v1.json"))
    envelope = {key: shipped[key] for key in list(shipped)[: list(shipped).index("provenance") + 1]}
    label = name.rpartition(".")[2]
    return {**envelope, "score": {"double": 0.75}, "labels": [label], **_GOLDEN[kind]}


def _shipped(path: str) -> str:
    return avro_folder().joinpath(path).read_text(encoding="utf-8")


def _file(folder: str, name: str) -> Traversable:
    return files("earmark.streams.new_signal") / "files" / folder / name


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
