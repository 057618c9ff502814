"""Which licences permit that a model is trained on what stands under them, and handed on."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from earmark.streams.evaluation.manifest import Row

_PERMITTED = re.compile(
    r"public domain|cc0|cc[ -]by(?![ -]?(?:nc|nd))|\b(?:mit|bsd|apache|isc)\b|"
    r"\bsynthesi[sz]ed\b|\bown synthesis\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"gpl|evaluat\w* only|research|non[ -]?commercial|[ -]nc\b|[ -]nd\b|unknown|proprietary",
    re.IGNORECASE,
)
NO_LICENCE = "no licence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """The rows that may be trained on; `refused` counts the others by their licence."""

    rows: Sequence[Row]
    refused: dict[str, int]


def permits_training(licence: str) -> bool:
    """Whether the words of a licence are among those that are known to permit it.

    Public domain, CC0, CC-BY, CC-BY-SA, MIT, BSD, ISC, Apache and what was synthesised; anything
    that speaks of GPL, of evaluation or research only, or that is not known, does not.
    """
    return bool(_PERMITTED.search(licence)) and not _REFUSED.search(licence)


def permitted(rows: Sequence[Row], *, every: bool = False) -> Permitted:
    """Those of the rows that may be trained on: all of them where the user says so (`every`)."""
    refused = [row for row in rows if not (every or permits_training(row.licence))]
    names = {id(row) for row in refused}
    return Permitted(
        rows=[row for row in rows if id(row) not in names],
        refused=dict(Counter(row.licence or NO_LICENCE for row in refused).most_common()),
    )
