"""The endpoints of `/api/v1` as one table: the router and the OpenAPI document are made of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from earmark.streams.web.access import VIEWER, RefusedError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Schema = Mapping[str, Any]
PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing that is asked with: in the query, or in the path where `in_path`."""

    name: str
    says: str
    kind: str = "string"  # of JSON Schema
    in_path: bool = False
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """It in JSON Schema."""
        found: dict[str, Any] = {"type": self.kind}
        if self.choices:
            found["enum"] = list(self.choices)
        named = {"default": self.default, "minimum": self.least, "maximum": self.most}
        return found | {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path; `answer` is what it gives in JSON Schema, or a media type."""

    method: str
    path: str
    handler: Handler
    says: str
    tag: str
    parameters: tuple[Parameter, ...] = ()
    answer: Schema | str = field(default_factory=dict)
    body: Mapping[str, Schema] = field(default_factory=dict)  # by media type
    role: str = VIEWER
    fails: tuple[int, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it needs more than reading."""
        return self.method != "GET"


def text(request: web.Request, name: str) -> str | None:
    """A parameter of the query; None where it is not given or empty."""
    return request.query.get(name, "").strip() or None


def number(request: web.Request, parameter: Parameter) -> float | None:
    """A number of the query within its bounds; raises RefusedError for what is none."""
    written = text(request, parameter.name)
    if written is None:
        return None if parameter.default is None else float(parameter.default)
    try:
        found = int(written) if parameter.kind == "integer" else float(written)
    except ValueError:
        raise RefusedError(400, f"{parameter.name} is a number") from None
    least, most = parameter.least, parameter.most
    if (least is not None and not found >= least) or (most is not None and not found <= most):
        raise RefusedError(400, f"{parameter.name} is between {least:g} and {most:g}")
    return found


def whole(request: web.Request, parameter: Parameter) -> int:
    """A whole number of the query that has a default."""
    return int(number(request, parameter) or 0)


def choice(request: web.Request, parameter: Parameter) -> str:
    """One of the parameter's choices; raises RefusedError for any other."""
    written = text(request, parameter.name) or str(parameter.default)
    if written not in parameter.choices:
        raise RefusedError(400, f"{parameter.name} is one of {', '.join(parameter.choices)}")
    return written


def flag(request: web.Request, name: str) -> bool:
    """Whether a parameter says 1 or true; raises RefusedError for what says neither."""
    written = request.query.get(name)
    if written not in {None, "", "0", "1", "false", "true"}:
        raise RefusedError(400, f"{name} is 1 or 0")
    return written in {"1", "true"}
