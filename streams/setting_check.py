"""What is wrong with settings that can be read: files that are not there, names that nobody has.

Nothing is connected to; whether brokers and registry answer is `earmark topics list`'s to say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from earmark.models.error import ConfigurationError
from earmark.streams.setting_source import Fault, dotted, places
from earmark.streams.settings import Settings

Place = tuple[str, ...]
Found = Iterator[tuple[Place, str]]


def check_settings(settings: Settings) -> list[Fault]:
    """All that would stop a process of ours soon after it has started; empty if nothing would."""
    where = places(Settings)
    return [
        Fault(name=dotted(place), where=_nearest(place, where), reason=reason)
        for check in CHECKS
        for place, reason in check(settings)
    ]


def _nearest(place: Place, places_: Mapping[Place, str]) -> str | None:
    """Where it was set, or what is around it, or something within it."""
    around = [places_[place[:n]] for n in range(len(place), 0, -1) if place[:n] in places_]
    within = [where for path, where in places_.items() if path[: len(place)] == place]
    return next(iter((*around, *within)), None)


def _files(settings: Settings) -> Found:
    registry, worker = settings.registry, settings.worker
    named: list[tuple[Place, Path | None]] = [
        (("registry", name), getattr(registry, name))
        for name in ("ca_location", "certificate_location", "key_location")
    ]
    named += [(("worker", "thresholds", name), path) for name, path in worker.thresholds.items()]
    named.append((("review", "routing"), settings.review.routing))
    for place, path in named:
        if path is not None and not path.is_file():
            yield place, f"there is no file {path}"


def _folders(settings: Settings) -> Found:
    named: Iterable[tuple[Place, Path | None]] = [
        (("policies",), settings.policies),
        *((("media", "roots"), root.expanduser()) for root in settings.media.roots),
    ]
    for place, path in named:
        if path is not None and not path.is_dir():
            yield place, f"there is no folder {path}"


def _signals(settings: Settings) -> Found:
    fields = ("signals", "models", "thresholds", "restricted")
    named = [(field, name) for field in fields for name in getattr(settings.worker, field)]
    if not named:
        return  # finding all signals takes seconds
    from earmark.processors.loader import load_specs

    specs = load_specs()
    for field, name in named:
        if name not in specs:
            yield ("worker", field), f"unknown signal {name!r}; known: {', '.join(sorted(specs))}"


def _kafka(settings: Settings) -> Found:
    from confluent_kafka import KafkaException

    from earmark.streams.topic import admin_client

    try:
        admin_client(settings.kafka)
    except ConfigurationError as error:
        # librdkafka's own words: No such configuration property: "..."
        cause = error.__cause__
        said = cause.args[0].str() if isinstance(cause, KafkaException) else str(error)
        yield ("kafka", "client"), said


def _schemes(settings: Settings) -> Found:
    from earmark.processors.error import ContentError
    from earmark.streams.resolver import DIRECT, INLINE, Resolvers

    resolvers = Resolvers(settings.media)
    for scheme in settings.media.schemes:
        try:
            if scheme not in {*DIRECT, INLINE}:
                resolvers.check(scheme)
        except (ConfigurationError, ContentError) as error:
            yield ("media", "schemes"), str(error)


CHECKS: tuple[Callable[[Settings], Found], ...] = (_files, _folders, _signals, _kafka, _schemes)
