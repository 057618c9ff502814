"""Other people's packages: what they bring beside their code, found through their entry points.

A package that brings signals names them in the entry-point group `earmark.signals`. Beside the
module it may hold `avro/` (schemas, golden records and their ledger, laid out as ours),
`thresholds/`, `signal_cards/` and, named in the group `earmark.models`, cards of models.
"""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec

from earmark.models.error import ConfigurationError

SIGNALS = "earmark.signals"
MODELS = "earmark.models"


@cache
def plugin_folders() -> tuple[Traversable, ...]:
    """The folders of the packages that bring signals, each once, by name of the entry point.

    A module that lies in no package brings nothing beside its code.
    """
    entries = sorted(entry_points(group=SIGNALS), key=lambda entry: entry.name)
    packages = dict.fromkeys(filter(None, map(_package, entries)))
    return tuple(map(files, packages))


def resources(folder: str) -> Iterator[Traversable]:
    """The folders of this name in the packages that bring signals."""
    for package in plugin_folders():
        if (package / folder).is_dir():
            yield package / folder


def _package(entry: EntryPoint) -> str:
    """The package that the module of the entry point is, or lies in; "" for one that does not."""
    try:
        spec = find_spec(entry.module)
    except ImportError:
        spec = None
    if spec is None:
        raise ConfigurationError(
            f"entry point {entry.name!r} of {SIGNALS}: there is no module {entry.module!r}"
        )
    return entry.module if spec.submodule_search_locations else str(spec.parent)
