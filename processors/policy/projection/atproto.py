"""A verdict as labels of the AT Protocol (`com.atproto.label.defs#label`, version 1), unsigned.

What no longer holds is a label with `neg`, which takes the one before it back. Rulings that send to
review or notify someone are nobody else's business and make no labels.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from earmark.processors.error import ConfigurationError
from earmark.processors.policy import verdict as words
from earmark.processors.policy.verdict import Retraction, Ruling, Verdict

VERSION = 1
VALUE_BYTES = 128
# values that clients of the network know by themselves
HIDE, NO_PROMOTE = "!hide", "!no-promote"
_LIMITS = {"disable": HIDE, "remove": HIDE, "demote": NO_PROMOTE}
_WARNINGS = {"Explicit": "explicit", "ExplicitContentEdited": "explicit-edited"}
_DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+")


def labels(
    verdict: Verdict, *, src: str, uri: str, created: datetime, cid: str | None = None
) -> tuple[Mapping[str, Any], ...]:
    """The labels that hold and, with `neg`, those taken back, sorted by value, for JSON.

    `src` is the DID of who labels, `uri` what is labelled (an at:// address or another one), `cid`
    a version of it. Raises ConfigurationError for a `src` that is no DID or a `uri` that is none.
    """
    if not _DID.fullmatch(src):
        raise ConfigurationError(
            f"{src!r} is no DID: write it as did:plc:abc or did:web:example.org"
        )
    if not _URI.fullmatch(uri):
        raise ConfigurationError(f"{uri!r} is no URI: write it as at://did:plc:abc/collection/key")
    holding = _by_value(verdict.rulings)
    gone = {it for it in map(_value, verdict.retracted) if it and it not in holding}
    head = {"ver": VERSION, "src": src, "uri": uri, **({} if cid is None else {"cid": cid})}
    return (
        *(
            {**head, "val": value, "cts": _moment(created), **_expiry(rulings)}
            for value, rulings in sorted(holding.items())
        ),
        *({**head, "val": it, "neg": True, "cts": _moment(created)} for it in sorted(gone)),
    )


def _by_value(rulings: Iterable[Ruling]) -> Mapping[str, list[Ruling]]:
    found: dict[str, list[Ruling]] = {}
    for ruling in rulings:
        if value := _value(ruling):
            found.setdefault(value, []).append(ruling)
    return found


def _value(ruling: Ruling | Retraction) -> str | None:
    """The label that an effect is here, in lower case and hyphens; None: it is none."""
    said = ruling.value or ""
    match ruling.effect:
        case words.LABEL:
            return _kebab(said)
        case words.AGE_RATE:
            return f"age-{said}"
        case words.MARK_EXPLICIT:
            return _WARNINGS.get(said)
        case words.LIMIT:
            return _LIMITS.get(said, _kebab(f"limit-{said}"))
    return None


def _kebab(text: str) -> str:
    cut = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return cut[:VALUE_BYTES]


def _expiry(rulings: Iterable[Ruling]) -> Mapping[str, str]:
    """When the last of them expires; nothing where one of them does not."""
    ends = [ruling.expires_at for ruling in rulings]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return {}
    return {"exp": _moment(datetime.fromtimestamp(max(known) / 1000, UTC))}


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
