"""On what an answer of a signal rests, so that a report can say of which signal it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from earmark.models.card import ModelCard
from earmark.models.card_evaluation import CardEvaluation
from earmark.processors.identity import config_hash
from earmark.processors.signal import SignalSpec
from earmark.processors.threshold import Thresholds

DIGITS = 16  # of the hash: enough to tell configurations apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Models or method with their versions, the thresholds' version, and a hash of all of it.

    `config` is made as the config hash is, of the signal's own part: the hashes of its models, the
    values of its thresholds, its method, preprocessing and taxonomy. What it needs of other signals
    has cards of its own, and libraries that decode are everybody's.
    """

    models: tuple[str, ...]
    thresholds: str
    config: str

    def holds_for(self, measured: CardEvaluation) -> bool:
        """Whether the report is of this signal as it is, and not as it once was."""
        return measured.config == self.config


def basis_of(spec: SignalSpec, cards: Mapping[str, ModelCard], thresholds: Thresholds) -> Basis:
    """The basis of the signal; `cards` hold those that it names."""
    own = [cards[name] for name in spec.models]
    named = [(card.name, card.version) for card in own]
    digest = config_hash(
        spec,
        thresholds=thresholds,
        model_hashes={card.name: card.identity for card in own},
        needs_hashes={},
    )
    return Basis(
        models=tuple(" ".join(each) for each in named or [spec.method or (spec.name, "")]),
        thresholds=thresholds.version if thresholds.values else "",
        config=digest[:DIGITS],
    )
