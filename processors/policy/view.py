"""A profile as conditions see it: what is found, what is not there, and what is not known yet."""

from dataclasses import dataclass
from enum import Enum

from earmark.processors.policy.vocabulary import ITEM
from earmark.processors.profile import Profile, ProfileSignal

OK, ERROR = "OK", "ERROR"
_ALWAYS = ("outcome", "reason", "model", "thresholds_version")  # of failed answers too
# which signals say the item's language where its producer does not, the best first
_LANGUAGE_SIGNALS = ("text.language", "audio.transcript", "audio.spoken_language")


class Absent(Enum):
    """Why there is no value."""

    NOTHING = "nothing"  # and there will be none
    UNKNOWN = "unknown"  # the signal may come yet


Found = float | str | tuple[str, ...] | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A profile, whole or `partial`: in a partial one whatever is not there may come yet.

    In a whole one that is so only for the signals that are expected, and for what a signal that
    failed would have said.
    """

    profile: Profile
    partial: bool = False
    changed: frozenset[tuple[str, str]] = frozenset()  # signal and field, by a human

    def value(self, subject: str, field: str) -> Found:
        """What the profile says about a field of a signal, or of the item."""
        if subject == ITEM:
            return self._of_item(field)
        signal = self.profile.signal(subject)
        if signal is None:
            return self._unseen(subject)
        if field in _ALWAYS or (subject, field) in self.changed:
            return _of_signal(signal, field)
        if signal.outcome == ERROR:
            return Absent.UNKNOWN  # it was not looked at
        if field == "labels" and signal.outcome != OK:
            return Absent.NOTHING
        return _of_signal(signal, field)

    @property
    def regions(self) -> tuple[str, ...] | None:
        """Where the item is offered; empty: not said; None: not known yet."""
        return None if self.partial and not self.profile.regions else self.profile.regions

    def _unseen(self, signal: str) -> Absent:
        awaited = self.partial or signal in self.profile.expected
        return Absent.UNKNOWN if awaited else Absent.NOTHING

    def _of_item(self, field: str) -> Found:
        profile = self.profile
        if field == "language":
            return self._language()
        if field == "regions":
            return Absent.UNKNOWN if self.regions is None else self.regions
        if field in ("complete", "expected", "missing", "signals"):
            return Absent.UNKNOWN if self.partial else _of_whole(profile, field)
        text = {"content_type": profile.content_type, "tenant": profile.tenant}
        return text.get(field, profile.source)

    def _language(self) -> Found:
        """As declared, else as found by the best signal that says it."""
        if self.profile.language is not None:
            return self.profile.language
        for name in _LANGUAGE_SIGNALS:
            signal = self.profile.signal(name)
            if signal is None and self._unseen(name) is Absent.UNKNOWN:
                return Absent.UNKNOWN
            if signal is not None and signal.language is not None:
                return signal.language
        return Absent.NOTHING


def item_language(profile: Profile) -> str | None:
    """The language of the item: as declared, else as found; None where neither says it."""
    found = View(profile=profile).value(ITEM, "language")
    return found if isinstance(found, str) else None


def _of_whole(profile: Profile, field: str) -> Found:
    if field == "complete":
        return float(profile.complete)
    if field == "signals":
        return tuple(signal.signal for signal in profile.signals)
    return profile.missing if field == "missing" else profile.expected


def _of_signal(signal: ProfileSignal, field: str) -> Found:
    if field == "labels":
        return signal.labels
    if field in ("outcome", "reason", "language", "model", "thresholds_version"):
        text: str | None = getattr(signal, field)
        return Absent.NOTHING if text is None else text
    if field in signal.numbers:
        return signal.numbers[field]
    return signal.words.get(field, Absent.NOTHING)
