"""New labels from stored scores, where a record holds enough to say them.

Nothing is decoded or scored: what comes out is the record that the pipeline would have made with
the new thresholds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.codec import Record, empty_fields, result_of
from earmark.processors.envelope import envelopes
from earmark.processors.error import ConfigurationError
from earmark.processors.identity import signal_id
from earmark.processors.loader import load_specs
from earmark.processors.signal import SignalSpec
from earmark.processors.threshold import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabeller:
    """Gives records of one signal, made under `old` thresholds, the labels of `new` ones."""

    spec: SignalSpec
    old: Thresholds
    new: Thresholds
    old_hash: str
    new_hash: str

    def made_under_old(self, record: Record) -> bool:
        """Whether the record was made by the configuration that is known here."""
        return bool(record["provenance"]["config_hash"] == self.old_hash)

    def relabelled(self, record: Record) -> Record | None:
        """The record as it is under the new thresholds; None where it has to be scored for that."""
        result = result_of(self.spec.topic, record)
        assert self.spec.relabelling is not None  # noqa: S101  # see `relabeller`
        relabelled = self.spec.relabelling.apply(result, self.old, self.new)
        if relabelled is None:
            return None
        provenance = record["provenance"] | {
            "thresholds_version": self.new.version,
            "config_hash": self.new_hash,
        }
        name = signal_id(
            record["content_id"],
            self.spec.name,
            self.spec.major,
            provenance["input_digest"],
            self.new_hash,
        )
        own = {"reason": relabelled.reason, "outcome": str(relabelled.outcome)}
        return {
            **record,
            **empty_fields(self.spec.topic),
            **relabelled.fields,
            **own,
            "signal_id": name,
            "provenance": provenance,
        }


def relabeller(
    name: str, *, old: Mapping[str, Thresholds], new: Thresholds, store: ModelStore
) -> Relabeller:
    """The relabeller of the signal `name`; `old` are thresholds in place of shipped ones.

    Raises ConfigurationError for a signal whose records do not hold what labels need, and for a
    threshold that decides more than labels.
    """
    specs = load_specs([name])
    spec, device = specs[name], Device()
    before = envelopes(specs, store, device, old)[name]
    after = envelopes(specs, store, device, {**old, name: new})[name]
    if spec.relabelling is None:
        raise ConfigurationError(
            f"the records of {name} do not hold what its labels are made of: replay it instead"
        )
    current = before.thresholds
    changed = [each for each in new.values if new[each] != current.values.get(each)]
    for each in changed:
        if not any(fnmatchcase(each, pattern) for pattern in spec.relabelling.thresholds):
            raise ConfigurationError(
                f"{each} decides more than the labels of {name}: replay it instead"
            )
    if not changed:
        raise ConfigurationError(f"these are the thresholds of {name} already")
    return Relabeller(
        spec=spec,
        old=current,
        new=new,
        old_hash=before.config_hash,
        new_hash=after.config_hash,
    )
