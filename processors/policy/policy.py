"""A policy as it is compiled: its scope, its rules and the digest of its text."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from earmark.processors.policy.condition import Condition, Truth, speaks
from earmark.processors.policy.view import Absent, View
from earmark.processors.policy.vocabulary import ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which items a policy is about; what is empty does not restrict it."""

    content_types: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()

    def holds(self, view: View) -> Truth:
        """Whether the item is one of them; None while its language or regions are not known."""
        profile = view.profile
        if self.content_types and profile.content_type not in self.content_types:
            return False
        if self.tenants and profile.tenant not in self.tenants:
            return False
        truths = (self._speaks(view), offered(view, self.regions))
        return False if False in truths else None if None in truths else True

    def _speaks(self, view: View) -> Truth:
        if not self.languages:
            return True
        found = view.value(ITEM, "language")
        if found is Absent.UNKNOWN:
            return None
        return isinstance(found, str) and any(speaks(found, it) for it in self.languages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When what holds. `expires_after_ms` counts from the profile's event time."""

    name: str
    when: Condition
    effect: str
    value: str | None = None
    severity: int = 0
    reason: str | None = None
    expires_after_ms: int | None = None
    fast: bool = False
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one file. `sha256` is that of its text, `file` where it was read."""

    name: str
    version: str
    description: str
    scope: Scope
    rules: tuple[Rule, ...]
    sha256: str
    file: str


def offered(view: View, regions: Iterable[str]) -> Truth:
    """Whether the item is offered in one of the regions, or does not say where it is."""
    wanted = set(regions)
    if not wanted:
        return True
    if view.regions is None:
        return None
    return not view.regions or not wanted.isdisjoint(view.regions)


def digest_of(policies: Iterable[Policy]) -> str:
    """The digest of a set of policies, 64 hex digits; where it changes, items are judged anew."""
    digests = sorted(f"{policy.name} {policy.sha256}" for policy in policies)
    return sha256("\n".join(digests).encode()).hexdigest()
