"""The policies in force, read again when their files change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from earmark.models.error import ConfigurationError
from earmark.processors.policy.condition import comparisons
from earmark.processors.policy.policy import Policy, digest_of
from earmark.processors.policy.shelf import SHIPPED, packaged_files, policies_in_force, policy_files
from earmark.processors.policy.vocabulary import ITEM
from earmark.processors.schema import schema_of

_PLACES = ({"start_ms", "end_ms"}, {"start", "end"})  # what rows of evidence are told by
_KINDS_OF_INPUT = ("applied_input_types", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A set of policies; `digest` names it, and `signals` are those whose records it needs."""

    policies: tuple[Policy, ...]
    digest: str
    signals: frozenset[str]

    @classmethod
    def of(cls, policies: tuple[Policy, ...]) -> "Shelf":
        """The shelf with these on it."""
        return cls(
            policies=policies,
            digest=digest_of(policies),
            signals=frozenset(_signals(policies)),
        )


class PolicyWatch:
    """Tells when what is in the folder (None: what is shipped) has changed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen = self._fingerprint()
        self.shelf = Shelf.of(policies_in_force(folder))

    def renewed(self) -> bool:
        """Whether other policies are in force now, of which `shelf` then is.

        Raises ConfigurationError, once, where what has changed cannot be put in force: then those
        before stay.
        """
        seen = self._fingerprint()
        if seen == self._seen:
            return False
        self._seen = seen
        fresh = Shelf.of(policies_in_force(self._folder))
        changed = fresh.digest != self.shelf.digest
        self.shelf = fresh
        return changed

    def _fingerprint(self) -> str:
        """The digest of all files, whether they can be understood or not."""
        digest = sha256()
        try:
            for file in (*policy_files(self._folder or SHIPPED), *packaged_files()):
                digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
        except (OSError, ConfigurationError) as error:  # what cannot be read is a change as well
            digest.update(str(error).encode())
        return digest.hexdigest()


def _signals(policies: Iterable[Policy]) -> Iterator[str]:
    """Those that fast rules look at, and those that can say where something is."""
    for rule in (rule for policy in policies for rule in policy.rules):
        for name in {comparison.subject for comparison in comparisons(rule.when)} - {ITEM}:
            if rule.fast or has_evidence(name):
                yield name


def has_evidence(signal: str) -> bool:
    """Whether records of the signal name places in the content, or the inputs that were read."""
    fields = schema_of(f"signals.{signal}.v1").definition["fields"]
    names = {field["name"] for field in fields}
    return not names.isdisjoint(_KINDS_OF_INPUT) or any(map(_is_list_of_places, fields))


def _is_list_of_places(field: Mapping[str, Any]) -> bool:
    kind = field["type"]
    if not isinstance(kind, dict) or kind["type"] != "array" or not isinstance(kind["items"], dict):
        return False
    names = {each["name"] for each in kind["items"].get("fields", ())}
    return any(place <= names for place in _PLACES)
