"""What a run's name means: with options it begins, by its name alone it goes on."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

import click

from earmark.models.error import ConfigurationError

if TYPE_CHECKING:
    from earmark.streams.replay.manifest import Manifest


def given_options(ctx: click.Context, of: Container[str]) -> Sequence[str]:
    """Those of the options `of` that the user has set, as the user writes them."""
    return [it.opts[0] for it in ctx.command.params if it.name in of and _is_given(ctx, it)]


def check_name(run: str, known: "Manifest | None", given: Sequence[str]) -> None:
    """Raises ConfigurationError where a run would begin by its name alone, or go on otherwise."""
    if known is None and not given:  # more likely a slip in a name than all that there ever was
        raise ConfigurationError(
            f"there is no replay {run}; to begin it say of what, as in --from beginning"
        )
    if known is not None and given:
        raise ConfigurationError(
            f"replay {run} is there already and goes on as it began: leave out {', '.join(given)}"
        )


def _is_given(ctx: click.Context, parameter: click.Parameter) -> bool:
    source = ctx.get_parameter_source(parameter.name or "")
    return source is not None and source.name != "DEFAULT"
