"""The catalogue of signals: what a subscriber wants to know of each before reading it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from earmark.models.card import ModelCard
from earmark.models.card_evaluation import CardEvaluation
from earmark.models.store import ModelStore
from earmark.processors.basis import Basis, basis_of
from earmark.processors.loader import load_specs, with_models
from earmark.processors.schema import newest, schemas
from earmark.processors.signal import SignalSpec
from earmark.processors.signal_card import Access, signal_card
from earmark.processors.threshold import shipped_thresholds
from earmark.streams.own_thresholds import own_thresholds
from earmark.streams.restriction import restricted_by
from earmark.streams.settings import Settings
from earmark.streams.topic import restricted_topic


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBy:
    """A model that a signal is made by."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An evaluation; `is_current` where it is of the signal as it is set up here."""

    measured: CardEvaluation
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One signal. `schema` is that of new records, by its file; `method` stands for no model.

    Where there is a `restricted_topic`, records lie there as they are, and without text on `topic`.

    `models`, `thresholds` and `taxonomy` are those in force by the settings. The last of `reports`
    is the latest.
    """

    signal: str
    topic: str
    restricted_topic: str | None
    subject: str
    schema: str
    summary: str
    owner: str
    access: Access
    freshness_s: float | None
    intended_use: str
    limits: str
    reads: Sequence[str]
    needs: Sequence[str]
    models: Sequence[MadeBy]
    method: str | None
    thresholds: str
    taxonomy: str | None
    deprecated_on: date | None
    replaced_by: str | None
    reports: Sequence[Report]

    @property
    def latest(self) -> Report | None:
        """The evaluation that was added last, of those of the signal as it is if there is any."""
        ranked = sorted(self.reports, key=lambda report: report.is_current)
        return ranked[-1] if ranked else None

    def as_json(self) -> dict[str, Any]:
        """For JSON: the reports as `evaluation`, each with `is_current`."""
        table = asdict(self)
        reports = table.pop("reports")
        day = self.deprecated_on.isoformat() if self.deprecated_on else None
        evaluation = [it["measured"] | {"is_current": it["is_current"]} for it in reports]
        return table | {"deprecated_on": day, "evaluation": evaluation}


def catalogue(settings: Settings) -> Sequence[Entry]:
    """All signals by name, by the models and thresholds that the settings name.

    Raises ConfigurationError for a setting or a card that is wrong.
    """
    store = ModelStore(settings.home / "models", offline=settings.offline)
    specs = with_models(load_specs(), settings.worker.models)
    return tuple(_entries(specs, settings, store))


def published_with(card: ModelCard) -> Sequence[CardEvaluation]:
    """What was measured of signals that the model, at this version, has part in."""
    named = f"{card.name} {card.version}"
    measured = (it for name in sorted(load_specs()) for it in signal_card(name).evaluation)
    return tuple(it for it in measured if named in it.models)


def _entries(
    specs: Mapping[str, SignalSpec], settings: Settings, store: ModelStore
) -> Iterator[Entry]:
    own, written = own_thresholds(settings), newest(schemas())
    twins = restricted_by(settings)
    for name, spec in sorted(specs.items()):
        card, schema = signal_card(name), written[spec.topic]
        cards = {model: store.card(model) for model in spec.models}
        basis = basis_of(spec, cards, own.get(name) or shipped_thresholds(name))
        yield Entry(
            signal=name,
            topic=spec.topic,
            restricted_topic=restricted_topic(spec.topic) if spec.topic in twins else None,
            subject=schema.subject,
            schema=schema.path.removesuffix(".avsc").rpartition("/")[2],
            summary=card.summary,
            owner=card.owner,
            access=card.access,
            freshness_s=card.freshness_s,
            intended_use=card.intended_use,
            limits=card.limits,
            reads=sorted(map(str, spec.reads)),
            needs=spec.needs,
            models=tuple(_made_by(cards[model]) for model in spec.models),
            method=None if spec.models else " ".join(spec.method or (name,)),
            thresholds=basis.thresholds,
            taxonomy=_taxonomy(spec, cards),
            deprecated_on=card.deprecated_on,
            replaced_by=card.replaced_by,
            reports=tuple(_report(measured, basis) for measured in card.evaluation),
        )


def _made_by(card: ModelCard) -> MadeBy:
    return MadeBy(name=card.name, version=card.version, licence=card.licence)


def _taxonomy(spec: SignalSpec, cards: Mapping[str, ModelCard]) -> str | None:
    if spec.labels_of_model:
        card = cards[spec.models[0]]
        return f"{card.name} {card.version}"
    return " ".join(spec.taxonomy) if spec.taxonomy else None


def _report(measured: CardEvaluation, basis: Basis) -> Report:
    return Report(measured=measured, is_current=basis.holds_for(measured))
