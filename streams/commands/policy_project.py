"""`earmark policy project`: a verdict in other people's shapes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from earmark.models.error import ConfigurationError
from earmark.streams.printable import printable

if TYPE_CHECKING:
    from earmark.processors.policy.verdict import Verdict
    from earmark.processors.profile import Profile

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a projection needs beside the verdict."""

    at: datetime
    src: str | None
    uri: str | None
    cid: str | None
    terms_url: str | None


@click.command()
@click.argument("item", required=False)
@click.option("--verdict", "verdict_file", type=FILE, help="A verdict as JSON, in place of ITEM.")
@click.option("--profile", "profile_file", type=FILE, help="The profile behind it, as JSON.")
@click.option(
    "--as",
    "shape",
    type=click.Choice(("openai", "dsa", "ddex", "atproto")),
    required=True,
    help="Whose shape.",
)
@click.option(
    "--at",
    type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")),
    metavar="WHEN",
    help="When it was applied (dsa) or labelled (atproto), UTC; now if not given.",
)
@click.option("--src", metavar="DID", help="Who labels (atproto).")
@click.option("--uri", help="What is labelled (atproto).")
@click.option("--cid", help="The version of it that is labelled (atproto).")
@click.option("--terms-url", metavar="URL", help="Where the terms are that it goes by (dsa).")
@click.option("--json", "as_json", is_flag=True, help="JSON also where nothing is due: null.")
def project(
    item: str | None,
    verdict_file: Path | None,
    profile_file: Path | None,
    shape: str,
    at: datetime | None,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Print a verdict, that of ITEM on its topic or one in a file, in another shape, as JSON.

    \b
    openai    a moderation response: categories, scores, input types, flagged
    dsa       a statement of reasons for the EU's transparency database
    ddex      ParentalWarningType, for everywhere and by territory
    atproto   labels, and those taken back with neg, one a line

    Of an ITEM the profile is read from its topic too, so that all scores are known. Where the
    verdict asks for no statement (dsa), or for no label (atproto), a sentence says so.
    """
    if (item is None) == (verdict_file is None):
        raise click.UsageError("name either an ITEM or a file with --verdict")
    verdict, profile = _from_files(verdict_file) if verdict_file else _from_topics(str(item))
    if profile_file is not None:
        from earmark.streams.policy.history import profile_in

        profile = profile_in(profile_file)
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    lines = _SHAPES[shape](verdict, profile, Asked(at=moment, **asked))
    if lines in ([], [None]) and not as_json:
        click.echo(f"{printable(verdict.content_id)}: {_NOTHING[shape]}", err=True)
        return
    for line in lines:
        click.echo(json.dumps(line))


def _from_files(file: Path) -> "tuple[Verdict, Profile | None]":
    from earmark.processors.codec import Codec
    from earmark.processors.policy.verdict import verdict_of
    from earmark.processors.schema import VERDICTS, schema_of
    from earmark.streams.policy.history import checked_record

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return verdict_of(checked_record(Codec(schema_of(VERDICTS)), text, str(file))), None


def _from_topics(item: str) -> "tuple[Verdict, Profile | None]":
    from earmark.processors.policy.verdict import verdict_of
    from earmark.processors.profile import profile_of
    from earmark.processors.schema import PROFILES, VERDICTS
    from earmark.streams.endpoint import endpoint
    from earmark.streams.policy.latest import latest

    settings = endpoint()
    verdict = latest(settings, VERDICTS, item)
    if verdict is None:
        raise ConfigurationError(
            f"there is no verdict on {item} in {VERDICTS} (`earmark agents` writes them)"
        )
    profile = latest(settings, PROFILES, item)
    return verdict_of(verdict), None if profile is None else profile_of(profile)


def _openai(verdict: "Verdict", profile: "Profile | None", _: Asked) -> list[Mapping[str, Any]]:
    from earmark.processors.policy.projection.openai import moderation

    return [moderation(verdict, profile)]


def _dsa(
    verdict: "Verdict", profile: "Profile | None", asked: Asked
) -> list[Mapping[str, Any] | None]:
    from earmark.processors.policy.projection.dsa import statement

    return [statement(verdict, applied=asked.at, profile=profile, terms_url=asked.terms_url)]


def _ddex(verdict: "Verdict", profile: "Profile | None", _: Asked) -> list[list[Mapping[str, str]]]:
    from earmark.processors.policy.projection.ddex import parental_warnings

    return [list(parental_warnings(verdict, profile))]


def _atproto(verdict: "Verdict", _: "Profile | None", asked: Asked) -> list[Mapping[str, Any]]:
    from earmark.processors.policy.projection.atproto import labels

    if asked.src is None or asked.uri is None:
        raise click.UsageError("atproto needs --src and --uri")
    return list(labels(verdict, src=asked.src, uri=asked.uri, created=asked.at, cid=asked.cid))


_NOTHING = {
    "dsa": "no ruling restricts it in the EEA, so no statement of reasons is due",
    "atproto": "the verdict puts no label on it, and takes none back",
}
_SHAPES: Mapping[str, Callable[["Verdict", "Profile | None", Asked], list[Any]]] = {
    "openai": _openai,
    "dsa": _dsa,
    "ddex": _ddex,
    "atproto": _atproto,
}
