"""Settings as the EARMARK_* variables that give a child process the same settings."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, SecretStr

from earmark.streams.settings import Settings


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with `settings` in it, secrets included: for our children only.

    What was not set is left out, so that the child takes the default too.
    """
    return {**os.environ, **_variables(settings, "EARMARK_")}


def _variables(model: BaseModel, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= _variables(value, f"{prefix}{name.upper()}__")
        elif value is not None:
            found[f"{prefix}{name.upper()}"] = _text(value)
    return found


def _text(value: object) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _plain(value: object) -> object:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value.absolute())
        case BaseModel():
            return {name: _plain(getattr(value, name)) for name in value.model_fields_set}
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value
