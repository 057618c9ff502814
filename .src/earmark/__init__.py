"""Earmark: content events in, content-intelligence signals out.

The import package is `earmark`; its code lies in the folders `streams/`, `processors/`, `models/`
and `avro/` at the root of the repository, to which the four links beside this file point. Imports
go one way: streams -> processors -> models.

The face is small: `Pipeline` scores events in this process, `Producer` sends events to Kafka,
`subscribe` and `subscribe_async` read signals from it, `latest` keeps those of each item in a
table, and `show` makes outcomes fit for a notebook. Each is imported when it is first used, so that
a host which needs one of them does not pay for the others.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earmark.processors.content import Audio, ContentEvent, Text
    from earmark.processors.pipeline import Pipeline
    from earmark.processors.portrait.portrait import show
    from earmark.streams.producer import Producer
    from earmark.streams.subscriber import subscribe, subscribe_async
    from earmark.streams.subscription.latest import latest

__version__ = "0.1.0"
__all__ = [
    "Audio",
    "ContentEvent",
    "Pipeline",
    "Producer",
    "Text",
    "__version__",
    "latest",
    "show",
    "subscribe",
    "subscribe_async",
]

_HOMES = {
    "Audio": "earmark.processors.content",
    "ContentEvent": "earmark.processors.content",
    "Pipeline": "earmark.processors.pipeline",
    "Producer": "earmark.streams.producer",
    "Text": "earmark.processors.content",
    "latest": "earmark.streams.subscription.latest",
    "show": "earmark.processors.portrait.portrait",
    "subscribe": "earmark.streams.subscriber",
    "subscribe_async": "earmark.streams.subscriber",
}

if not (Path(__file__).parent / "models").is_dir():
    raise ImportError(
        "earmark: the links in .src/earmark are text files in this checkout "
        "(git had core.symlinks=false); set it to true and check out again"
    )


def __getattr__(name: str) -> object:
    """The public name, imported from its home at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'earmark' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
