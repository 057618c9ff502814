"""Turns a bare result into a signal: identity, provenance, the event it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from earmark import __version__
from earmark.models.device import Device
from earmark.models.store import ModelStore
from earmark.processors.content import ContentEvent
from earmark.processors.identity import AnswerKey, config_hash, input_digest, signal_id
from earmark.processors.outcome import Provenance, Result, Signal
from earmark.processors.signal import Part, SignalSpec
from earmark.processors.threshold import SHIPPED, Thresholds, shipped_thresholds

DECODERS = ("av", "soxr")  # their versions decide the samples, so they belong to the config hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is the same for every answer of one signal under one configuration."""

    spec: SignalSpec
    config_hash: str
    thresholds: Thresholds
    model: tuple[str, str, str | None]  # name, version, sha256
    device: Device

    def key(self, event: ContentEvent, *, audio_sha256: str | None) -> AnswerKey:
        """What the answer to the event is made of."""
        return AnswerKey(
            input_digest=input_digest(self.spec, event, audio_sha256), config_hash=self.config_hash
        )

    def seal(self, event: ContentEvent, result: Result, *, audio_sha256: str | None) -> Signal:
        """The signal that says `result` of `event`."""
        digest = input_digest(self.spec, event, audio_sha256)
        name, model_version, sha256 = self.model
        scheme = (name, model_version) if self.spec.labels_of_model else self.spec.taxonomy
        taxonomy, taxonomy_version = scheme or (None, None)
        return Signal(
            name=self.spec.name,
            major=self.spec.major,
            signal_id=signal_id(
                event.content_id, self.spec.name, self.spec.major, digest, self.config_hash
            ),
            event=event,
            result=result,
            provenance=Provenance(
                input_digest=digest,
                model_name=name,
                model_version=model_version,
                model_sha256=sha256,
                preprocessing_version=self.spec.preprocessing_version,
                taxonomy=taxonomy,
                taxonomy_version=taxonomy_version,
                thresholds_version=self.thresholds.version if self.thresholds.values else None,
                config_hash=self.config_hash,
                pipeline_version=__version__,
                device=self.device.kind if self.spec.models else "cpu",
                precision=self.device.precision if self.spec.models else "fp32",
            ),
        )


def envelopes(
    specs: Mapping[str, SignalSpec],
    store: ModelStore,
    device: Device,
    thresholds: Mapping[str, Thresholds] = SHIPPED,
) -> dict[str, Envelope]:
    """One envelope per spec; `specs` holds needs before needers.

    `thresholds` are those that are used in place of the shipped ones, by signal.
    """
    made: dict[str, Envelope] = {}
    for name, spec in specs.items():
        needs = {need: made[need].config_hash for need in spec.needs}
        made[name] = _envelope(
            spec, store, device, needs, thresholds.get(name) or shipped_thresholds(name)
        )
    return made


def _envelope(
    spec: SignalSpec,
    store: ModelStore,
    device: Device,
    needs: Mapping[str, str],
    thresholds: Thresholds,
) -> Envelope:
    cards = [store.card(name) for name in spec.models]
    hashes = {card.name: card.identity for card in cards}
    if Part.AUDIO in spec.reads:
        hashes |= {name: _version(name) for name in DECODERS}
    method = (*(spec.method or (spec.name, str(spec.major))), None)
    return Envelope(
        spec=spec,
        config_hash=config_hash(
            spec, thresholds=thresholds, model_hashes=hashes, needs_hashes=needs
        ),
        thresholds=thresholds,
        model=(cards[0].name, cards[0].version, cards[0].sha256) if cards else method,
        device=device,
    )


def _version(package: str) -> str:
    """Of an installed package; where it is not, nothing is decoded: samples come as they are."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
