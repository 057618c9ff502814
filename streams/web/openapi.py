"""The API in OpenAPI 3.1, made of the table of endpoints that the router is made of."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from earmark import __version__
from earmark.streams.web.access import CSRF_HEADER
from earmark.streams.web.endpoint import Endpoint

_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "One sentence."}},
    "required": ["error"],
}


def openapi(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, None] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
        tags[each.tag] = None
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Earmark inspector",
            "version": __version__,
            "description": "What is known of content items, and what happens to it. Times are in "
            "milliseconds since the epoch (`_ms`), places in recordings in seconds (`_s`).",
        },
        "tags": [{"name": name} for name in tags],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "earmark_session"},
            },
        },
        "security": [{}, {"token": []}, {"cookie": []}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": it.name,
            "in": "path" if it.in_path else "query",
            "description": it.says,
            "required": it.in_path,
            "schema": it.schema,
        }
        for it in endpoint.parameters
    ]
    if endpoint.changes:
        says = "The `csrf` of `/api/v1/session`."
        parameters.append(
            {
                "name": CSRF_HEADER,
                "in": "header",
                "description": says,
                "required": True,
                "schema": {"type": "string"},
            }
        )
    operation: dict[str, Any] = {
        "summary": endpoint.says,
        "tags": [endpoint.tag],
        "operationId": _name(endpoint),
        "x-role": endpoint.role,
        "responses": _responses(endpoint),
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body:
        content = {kind: {"schema": schema} for kind, schema in endpoint.body.items()}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    answer = endpoint.answer
    content = {answer: {}} if isinstance(answer, str) else {"application/json": {"schema": answer}}
    found: dict[str, Any] = {"200": {"description": "As asked.", "content": content}}
    always = {401, 503} | ({403} if endpoint.changes else set())
    for status in sorted({*endpoint.fails, *always}):
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    return found


def _name(endpoint: Endpoint) -> str:
    words = endpoint.path.removeprefix("/api/v1/").replace("{", "").replace("}", "")
    return f"{endpoint.method.lower()}_{words.translate(str.maketrans('/-.', '___'))}"
