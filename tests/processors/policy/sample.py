"""Profiles, records and policies for the tests of policies."""

from dataclasses import replace
from functools import cache
from typing import Any

from earmark.processors.policy.compiler import compiled
from earmark.processors.policy.policy import Policy
from earmark.processors.profile import Profile, ProfileSignal, profile_of, profile_signal
from earmark.processors.release import golden_record
from earmark.processors.schema import avro_folder, schema_of
from earmark.processors.wire import Record


@cache
def _golden(topic: str) -> Record:
    return dict(golden_record(avro_folder(), schema_of(topic)))


def golden(topic: str) -> dict[str, Any]:
    """A copy of the topic's golden record."""
    return dict(_golden(topic))


def golden_profile() -> Profile:
    """A comment with harassment, as in the golden record."""
    return profile_of(golden("content.profile.v1"))


def profile(*signals: ProfileSignal, **fields: Any) -> Profile:
    """A complete profile of a comment, made of the signals."""
    made = replace(golden_profile(), signals=signals, expected=())
    return replace(made, **{"complete": True, **fields})


def said(name: str, **fields: Any) -> ProfileSignal:
    """What the signal says in its golden record, with other fields."""
    return replace(_said(name), **fields)


@cache
def _said(name: str) -> ProfileSignal:
    return profile_signal(name, golden(f"signals.{name}.v1"))


def policy(*rules: str, head: str = "") -> Policy:
    """A policy with these rules, each the lines of a TOML table; names and effects are given."""
    tables = [
        f"[[rule]]\n{'' if 'name =' in rule else f'name = {chr(34)}rule-{number}{chr(34)}'}\n"
        f"{'' if 'effect =' in rule else 'effect = ' + chr(34) + 'review' + chr(34)}\n{rule}\n"
        for number, rule in enumerate(rules)
    ]
    return compiled('name = "test"\nversion = "1"\n' + head + "\n" + "".join(tables), "test.toml")
