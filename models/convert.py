"""Conversions: from the files that authors publish to safetensors and JSON.

Each runs once, at pull time, on files whose hashes have been checked. A conversion gets the source
files by the names that the card gives them, and an empty folder for the artefacts.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from lzma import LZMAError
from pathlib import Path
from pickle import UnpicklingError

from safetensors import SafetensorError

from earmark.models.error import ConfigurationError, ModelError

Conversion = Callable[[Mapping[str, Path], Path], None]

# name -> (module in earmark.models.conversion, version). Raise the version when the artefacts
# change: models made by an older one then count as missing, and are fetched again.
CONVERSIONS = {
    "identity": ("identity", 1),
    "torch-checkpoint": ("checkpoint", 1),
    "whisper-openai": ("whisper_openai", 1),
    "fasttext": ("fasttext", 1),
    "profanity-check": ("profanity", 1),
    "py3langid": ("langid", 1),
    "silero-vad": ("silero", 1),
    "musicnn": ("musicnn", 1),
}

# what readers raise for bytes that are not in their format
_UNREADABLE = (
    AttributeError,
    EOFError,
    KeyError,
    LZMAError,
    OSError,
    RuntimeError,
    SafetensorError,
    TypeError,
    UnpicklingError,
    ValueError,
)


def conversion_id(name: str) -> str:
    """Name and version, as manifests record them; raises ConfigurationError for unknown names."""
    if name not in CONVERSIONS:
        raise ConfigurationError(f"no conversion {name!r}; known: {', '.join(sorted(CONVERSIONS))}")
    return f"{name}/{CONVERSIONS[name][1]}"


def convert(name: str, sources: Mapping[str, Path], made: Path) -> None:
    """Make the artefacts of the conversion `name` in the folder `made`.

    Raises ModelError for files that are not what the conversion reads.
    """
    module = import_module(f"earmark.models.conversion.{CONVERSIONS[name][0]}")
    run: Conversion = module.convert
    try:
        run(sources, made)
    except _UNREADABLE as error:
        files = ", ".join(sources)
        raise ModelError(f"conversion {name} cannot read {files}: {error}") from error
