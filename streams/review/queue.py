"""The queues that questions lie in, or may come to lie in."""

from collections.abc import Iterator

from earmark.models.error import ConfigurationError
from earmark.processors.policy.shelf import policies_in_force
from earmark.processors.policy.verdict import REVIEW
from earmark.processors.review.option import Options
from earmark.streams.review.desk import Desk, options_of
from earmark.streams.settings import Settings


def check_queue(desk: Desk, name: str | None) -> None:
    """Raises ConfigurationError, which names the queues there are, where it is none; None is all.

    A queue is known by a question that lies in it, by the options of review, or by a policy.
    """
    if name is None:
        return
    asked = {question.queue for question in desk.questions()}
    if name in asked:
        return
    known = asked | set(_of_settings(desk.settings))
    if name not in known:
        raise ConfigurationError(f"unknown queue {name!r}; known: {', '.join(sorted(known))}")


def _of_settings(settings: Settings) -> Iterator[str]:
    yield from _of_options(options_of(settings))
    for policy in policies_in_force(settings.policies):
        yield from (rule.value for rule in policy.rules if rule.effect == REVIEW and rule.value)


def _of_options(options: Options) -> Iterator[str]:
    yield from (options.severe.queue, options.policy.queue, options.audit.queue)
    yield from (doubt.queue for doubt in options.uncertain.signals)
