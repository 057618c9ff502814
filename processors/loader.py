"""Finds signals: the built-in ones by folder, other people's by entry point; one door for both.

An entry point of the group `earmark.signals` names a `SignalSpec` (`package.module:spec`).
"""

import pkgutil
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points

from earmark.models.plugin import SIGNALS
from earmark.processors import signals
from earmark.processors.error import ConfigurationError
from earmark.processors.signal import SignalSpec


def load_specs(names: Collection[str] | None = None) -> Mapping[str, SignalSpec]:
    """The specs called `names` with all they need, needs before needers; None gives every one.

    Raises ConfigurationError for an unknown name, a name given twice, or a circle of needs.
    """
    known = _all_specs()
    ordered: dict[str, SignalSpec] = {}
    for name in sorted(known) if names is None else names:
        _append(name, known, ordered, path=())
    return ordered


def with_models(
    specs: Mapping[str, SignalSpec], models: Mapping[str, str]
) -> Mapping[str, SignalSpec]:
    """The specs, those named in `models` by another model; a card's name, by signal.

    Raises ConfigurationError for a signal that is not among them or has no model.
    """
    if unknown := sorted(models.keys() - specs.keys()):
        raise ConfigurationError(f"a model for {unknown[0]!r}, which is not computed here")
    return {
        name: spec.with_model(models[name]) if name in models else spec
        for name, spec in specs.items()
    }


def _append(
    name: str,
    known: Mapping[str, SignalSpec],
    ordered: dict[str, SignalSpec],
    path: tuple[str, ...],
) -> None:
    if name in path:
        raise ConfigurationError(
            f"signals need each other in a circle: {' -> '.join((*path, name))}"
        )
    if name not in known:
        raise ConfigurationError(f"unknown signal {name!r}; known: {', '.join(sorted(known))}")
    if name in ordered:
        return
    for need in known[name].needs:
        _append(need, known, ordered, (*path, name))
    ordered[name] = known[name]


def _all_specs() -> Mapping[str, SignalSpec]:
    specs: dict[str, SignalSpec] = {}
    for spec in _found():
        if spec.name in specs:
            raise ConfigurationError(f"signal {spec.name!r} is defined twice")
        specs[spec.name] = spec
    return specs


def _found() -> Iterator[SignalSpec]:
    for module_info in pkgutil.iter_modules(signals.__path__):
        module = import_module(f"{signals.__name__}.{module_info.name}")
        yield from (value for value in vars(module).values() if isinstance(value, SignalSpec))
    for entry_point in entry_points(group=SIGNALS):
        spec = entry_point.load()
        if not isinstance(spec, SignalSpec):
            raise ConfigurationError(f"entry point {entry_point.value} is not a SignalSpec")
        yield spec
