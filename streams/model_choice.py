"""Models that a user names in place of the shipped ones: `text.safety=unbiased-toxic-roberta`."""

from collections.abc import Collection, Sequence

from earmark.models.error import ConfigurationError


def chosen_models(named: Sequence[str]) -> dict[str, str]:
    """Cards by signal, from SIGNAL=CARD each; raises ConfigurationError for another form."""
    pairs = dict(each.split("=", 1) for each in named if "=" in each)
    if len(pairs) != len(named):
        raise ConfigurationError("--model takes SIGNAL=CARD, each signal once")
    return pairs


def signal_named(name: str, known: Collection[str]) -> str:
    """The signal of that name, or the only one that ends in it: `transcript`."""
    found = [each for each in known if name in (each, each.partition(".")[2])]
    if len(found) != 1:
        raise ConfigurationError(f"unknown signal {name!r}; known: {', '.join(sorted(known))}")
    return found[0]
