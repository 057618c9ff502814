"""Other people's packages: what they bring beside their code, found through their entry points.

A package that brings signals names them in the entry-point group `earmark.signals`. Beside the
module it may hold `avro/` (schemas, golden records and their ledger, laid out as ours),
`thresholds/`, `policies/`, `signal_cards/` and, named in the group `earmark.models`, cards of
models. One that brings policies alone names the package that holds `policies/` in the group
`earmark.policies`.
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
POLICIES = "earmark.policies"


@cache
def plugin_folders() -> tuple[Traversable, ...]:
    """The folders of the packages that bring signals, each once, by name of the entry point.

    A module that lies in no package brings nothing beside its code.
    """
    return tuple(map(files, _packages(SIGNALS)))


@cache
def policy_folders() -> tuple[Traversable, ...]:
    """The folders `policies/` of the packages that bring signals or policies, each once."""
    packages = dict.fromkeys((*_packages(SIGNALS), *_packages(POLICIES)))
    folders = (files(package) / "policies" for package in packages)
    return tuple(folder for folder in folders if folder.is_dir())


def resources(folder: str) -> Iterator[Traversable]:
    """The folders of this name in the packages that bring signals."""
    for package in plugin_folders():
        if (package / folder).is_dir():
            yield package / folder


def _packages(group: str) -> Iterator[str]:
    """The packages that the entry points of the group lie in, by name of the entry point."""
    entries = sorted(entry_points(group=group), key=lambda entry: entry.name)
    yield from dict.fromkeys(filter(None, map(_package, entries)))


def _package(entry: EntryPoint) -> str:
    """The package that the module of the entry point is, or lies in; "" for one that does not."""
    try:
        spec = find_spec(entry.module)
    except ImportError:
        spec = None
    if spec is None:
        raise ConfigurationError(
            f"entry point {entry.name!r} of {entry.group}: there is no module {entry.module!r}"
        )
    return entry.module if spec.submodule_search_locations else str(spec.parent)
