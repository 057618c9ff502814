"""What is asked of people, how near is near, and how many questions a day may bring.

The shipped options stand in `review.toml` beside this module. A file of a user's own has the same
form; what it leaves out keeps the shipped value, table by table.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from earmark.models.error import ConfigurationError, reason_of
from earmark.processors.review.question import Reason
from earmark.processors.threshold import Thresholds

SHIPPED = Path(__file__).with_name("review.toml")
UNITS = ("score", "logit")

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """From how near to its threshold a signal's number is asked about, and what is asked.

    `field` names numbers of the profile, as `scores.*`. `threshold` is a number, the name of one
    in the signal's thresholds, or None: that of the label, as labels are made by it.
    """

    signal: str
    field: str
    asks: str
    margin: float
    unit: str = "score"
    threshold: float | str | None = None
    queue: str = "uncertain"
    rate: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """Which numbers are asked about when they lie near their threshold."""

    signals: tuple[Doubt, ...] = ()
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Severe:
    """From which severity on a rule that holds is asked about."""

    severity: int = 5
    queue: str = "severe"
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a policy sends to review; `queue` is for rules that name none."""

    queue: str = "review"
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumRate:
    """How often items of the strata that fit `match` (as `COMMENT/*/hate`) are drawn."""

    match: str
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Which fields are audited, by signal, and how often an item is drawn."""

    rate: float = 0.0
    queue: str = "audit"
    per_day: int | None = None
    signals: Mapping[str, str] = field(default_factory=dict)
    strata: tuple[StratumRate, ...] = ()

    def rate_of(self, stratum: str) -> float:
        """The chance with which an item of the stratum is drawn while the budget lasts."""
        fits = (each.rate for each in self.strata if fnmatchcase(stratum, each.match))
        return next(fits, self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that decides what is asked; `thresholds` are those in place of shipped ones."""

    seed: str = "earmark"
    stratum_share: float = 0.25
    uncertain: Uncertain = field(default_factory=Uncertain)
    severe: Severe = field(default_factory=Severe)
    policy: Sent = field(default_factory=Sent)
    audit: Audit = field(default_factory=Audit)
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)

    def per_day(self, reason: Reason) -> int | None:
        """How many questions of this reason a day may bring; None: any number."""
        by_reason: Mapping[Reason, int | None] = {
            Reason.UNCERTAIN: self.uncertain.per_day,
            Reason.SEVERE: self.severe.per_day,
            Reason.POLICY: self.policy.per_day,
            Reason.AUDIT: self.audit.per_day,
        }
        return by_reason[reason]


def shipped_options(thresholds: Mapping[str, Thresholds] | None = None) -> Options:
    """The options of `review.toml`."""
    return _options(_table(SHIPPED), where=str(SHIPPED), thresholds=thresholds)


def read_options(path: Path, thresholds: Mapping[str, Thresholds] | None = None) -> Options:
    """The options of a file, over the shipped ones.

    Raises ConfigurationError for a file that cannot be read, or with a key, a kind of value or a
    number that has no meaning; the message names file and key.
    """
    return _options({**_table(SHIPPED), **_table(path)}, where=str(path), thresholds=thresholds)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # of TOML, of UTF-8, of a long number
        raise ConfigurationError(f"{path}: {reason_of(error)}") from error


def _options(
    table: Mapping[str, Any], *, where: str, thresholds: Mapping[str, Thresholds] | None = None
) -> Options:
    kinds = {"uncertain": Uncertain, "severe": Severe, "policy": Sent, "audit": Audit}
    made = {
        name: _made(kinds[name], value, f"{where}: {name}") if name in kinds else value
        for name, value in table.items()
    }
    if "thresholds" in made:
        raise ConfigurationError(f"{where}: thresholds stand in the settings of the worker")
    options = _made(Options, made, where)
    _number(options.stratum_share, 0.0, 1.0, f"{where}: stratum_share")
    for reason in Reason:
        per_day, at = options.per_day(reason), f"{where}: {reason.lower()}.per_day"
        _number(per_day or 0, 0, None, at)
        if isinstance(per_day, float):
            raise ConfigurationError(f"{at}: a whole number is wanted, not {per_day!r}")
    return Options(**{**_shallow(options), "thresholds": dict(thresholds or {})})


def _made(kind: type[_Made], table: Any, where: str) -> _Made:
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{where}: a table is wanted, not {table!r}")
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # all are dataclasses
    if strange := sorted(table.keys() - known):
        raise ConfigurationError(
            f"{where}: unknown {strange[0]!r}; known: {', '.join(sorted(known))}"
        )
    lists = {("signals", Uncertain): Doubt, ("strata", Audit): StratumRate}
    values = {
        name: _several(lists[name, kind], value, f"{where}.{name}")
        if (name, kind) in lists
        else value
        for name, value in table.items()
    }
    try:
        made = kind(**values)
    except TypeError as error:
        missing = str(error).rpartition(": ")[2]
        raise ConfigurationError(f"{where}: {missing} is missing") from error
    _checked(made, where)
    return made


def _several(kind: type[_Made], tables: Any, where: str) -> tuple[_Made, ...]:
    if not isinstance(tables, list | tuple):
        raise ConfigurationError(f"{where}: a list of tables is wanted")
    return tuple(_made(kind, table, f"{where}[{i}]") for i, table in enumerate(tables))


def _checked(made: object, where: str) -> None:
    """Raises ConfigurationError where a value of the options cannot be meant."""
    for each in fields(made):  # type: ignore[arg-type]  # all are dataclasses
        value, at = getattr(made, each.name), f"{where}: {each.name}"
        match each.name:
            case "rate":
                _number(value, 0.0, 1.0, at)
            case "severity":
                _number(value, 0, 7, at)
            case "margin":
                _number(value, 0.0, None, at)
            case "unit" if value not in UNITS:
                raise ConfigurationError(f"{at}: {value!r} is none of {', '.join(UNITS)}")
            case "signal" | "field" | "asks" | "queue" | "match" | "seed" if not (
                isinstance(value, str) and value
            ):
                raise ConfigurationError(f"{at}: a word is wanted, not {value!r}")
            case "signals" if isinstance(made, Audit) and not _is_words(value):
                raise ConfigurationError(f"{where}.signals: a field by signal is wanted")


def _is_words(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())


def _number(value: Any, least: float, most: float | None, where: str) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= (math.inf if most is None else most):
        upper = "" if most is None else f" to {most}"
        raise ConfigurationError(f"{where}: a number from {least}{upper} is wanted, not {value!r}")


def _shallow(options: Options) -> dict[str, Any]:
    return {each.name: getattr(options, each.name) for each in fields(options)}
