"""The endpoint of the settings as the models of cards with an `[instruction]`."""

from collections.abc import Iterable

from earmark.models.card import ModelCard
from earmark.models.error import ConfigurationError
from earmark.models.store import ModelStore
from earmark.streams.instruction.cache import InstructionCache
from earmark.streams.instruction.client import (
    Access,
    Allowance,
    InstructedClassifier,
    Instruction,
)
from earmark.streams.settings import EndpointSettings, Settings


def instructed(
    settings: Settings, store: ModelStore, cards: Iterable[str]
) -> dict[str, InstructedClassifier]:
    """A classifier for each of the cards that has an instruction; they share one allowance.

    Raises ConfigurationError where there is one, and the settings name no endpoint.
    """
    asked = [card for card in map(store.card, dict.fromkeys(cards)) if card.instruction]
    if not asked:
        return {}
    if settings.endpoint is None:
        raise ConfigurationError(
            f"{asked[0].name} is served by an endpoint: set EARMARK_ENDPOINT__URL "
            "and, where it wants one, EARMARK_ENDPOINT__KEY"
        )
    endpoint = settings.endpoint
    allowance = Allowance(requests=endpoint.max_requests, tokens=endpoint.max_tokens)
    cache = InstructionCache(settings.state_folder / "instruction.sqlite")
    return {card.name: _classifier(card, endpoint, allowance, cache) for card in asked}


def _classifier(
    card: ModelCard, endpoint: EndpointSettings, allowance: Allowance, cache: InstructionCache
) -> InstructedClassifier:
    if card.instruction is None or not card.labels:
        raise ConfigurationError(f"{card.name}: a card with an [instruction] needs labels")
    return InstructedClassifier(
        Instruction(
            model=card.instruction.model,
            prompt=card.instruction.prompt,
            labels=card.labels,
            languages=card.languages,
        ),
        Access(
            url=endpoint.url,
            key=endpoint.key,
            timeout_s=endpoint.timeout_s,
            attempts=endpoint.attempts,
            at_once=endpoint.at_once,
        ),
        allowance,
        cache,
    )
