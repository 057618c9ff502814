"""Turns a stable uri into one that can be fetched now: the door for what knows a catalogue.

Signed uris expire, and an event may be replayed months later. So an event may hold a uri such as
`catalogue://track/123`, and a resolver for its scheme is asked before each attempt to fetch it. An
entry point of the group `earmark.media_resolvers` names a class or a function that takes the
`MediaSettings` and gives a `MediaResolver`; the built-in ones stand in `streams/resolvers/`.

    class Catalogue:
        schemes = ("catalogue",)

        def __init__(self, settings: MediaSettings) -> None: ...

        def resolve(self, uri: str) -> Resolved:
            return Resolved(uri=sign(lookup(uri)))

What a resolver gives has to pass the same `AddressPolicy` as a uri in an event.
"""

import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from earmark.models.error import ConfigurationError
from earmark.processors.error import ContentError, RejectionClass
from earmark.streams import resolvers
from earmark.streams.address import refused
from earmark.streams.error import MediaGoneError, TransientError
from earmark.streams.settings import MediaSettings

__all__ = ["MediaGoneError", "MediaResolver", "Resolved", "Resolvers", "TransientError"]

ENTRY_POINT_GROUP = "earmark.media_resolvers"
DIRECT = frozenset({"http", "https", "s3", "file"})  # what is fetched as it stands
INLINE = "kafka"  # what lies in a record


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A uri that can be fetched now (http, https, s3 or file), not shown in any message.

    `headers` go with an http request, to the host of the uri alone.
    """

    uri: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@runtime_checkable
class MediaResolver(Protocol):
    """Resolves the uris of its `schemes`; called from several threads at once.

    `resolve` answers within a few seconds. It raises `MediaGoneError` for media that are no more,
    `TransientError` for what may pass; any other error counts as one of these. Their messages are
    published, so they hold no secrets.
    """

    @property
    def schemes(self) -> Collection[str]:
        """The schemes of the uris that it resolves, in small letters."""

    def resolve(self, uri: str) -> Resolved:
        """The uri under which the media can be fetched now."""


MakeResolver = Callable[[MediaSettings], MediaResolver]


class Resolvers:
    """The resolvers that come along and those that are installed, by scheme.

    Raises ConfigurationError for an entry point that cannot be loaded or gives no resolver, and
    for a scheme that two of them claim.
    """

    def __init__(self, settings: MediaSettings) -> None:
        self._by_scheme: dict[str, MediaResolver] = {}
        for name, make in _found():
            for scheme, resolver in _checked(name, make(settings)):
                if scheme in self._by_scheme or scheme in {*DIRECT, INLINE}:
                    raise ConfigurationError(f"{name}: scheme {scheme} is resolved already")
                self._by_scheme[scheme] = resolver

    def check(self, scheme: str) -> None:
        """Raise ContentError URI_REFUSED where nothing resolves the scheme."""
        if scheme not in self._by_scheme:
            raise refused(
                f"there is no resolver for scheme {scheme or '(none)'}: a package with an entry "
                f"point in {ENTRY_POINT_GROUP} would bring one"
            )

    def resolved(self, uri: str, scheme: str) -> Resolved:
        """What the uri stands for now.

        Raises ContentError: MEDIA_GONE, URI_REFUSED, or as the resolver says; and TransientError.
        """
        self.check(scheme)
        try:
            resolved = self._by_scheme[scheme].resolve(uri)
            can_be_sent = _can_be_sent(resolved)
        except (ContentError, TransientError):
            raise
        except MediaGoneError as error:
            raise ContentError(RejectionClass.MEDIA_GONE, str(error), part="audio") from error
        except Exception as error:  # a plug-in may raise anything; it is wrapped here, once
            # its message is dropped: it may quote what was resolved
            reason = f"the resolver of {scheme} failed ({type(error).__name__})"
            raise TransientError(reason) from error
        if not can_be_sent:
            raise TransientError(f"the resolver of {scheme} gave nothing that can be sent")
        return resolved


def _found() -> Iterator[tuple[str, MakeResolver]]:
    for module_info in pkgutil.iter_modules(resolvers.__path__):
        module = import_module(f"{resolvers.__name__}.{module_info.name}")
        yield module.__name__, module.resolver
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        name = f"entry point {entry_point.value}"
        try:
            make = entry_point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigurationError(f"{name} cannot be loaded: {error}") from error
        if not callable(make):
            raise ConfigurationError(f"{name} is not a class or function that gives a resolver")
        yield name, make


def _can_be_sent(resolved: object) -> bool:
    """Whether it is a uri, and headers that stand in a request with nothing of their own behind."""
    return (
        isinstance(resolved, Resolved)
        and isinstance(resolved.uri, str)
        and all(
            name.isascii() and name.isprintable() and name and value.isprintable()
            for name, value in resolved.headers.items()
        )
    )


def _checked(name: str, resolver: object) -> Iterator[tuple[str, MediaResolver]]:
    if not isinstance(resolver, MediaResolver) or isinstance(resolver.schemes, str):
        raise ConfigurationError(f"{name} gives no resolver: it needs `schemes` and `resolve`")
    yield from ((scheme, resolver) for scheme in resolver.schemes)
