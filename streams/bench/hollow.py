"""A pipeline without models: every scorer knows its answer before it is asked.

All that is around the models is as it is at work: plans, stages, batches, seals.
"""

from collections.abc import Sequence

from earmark.models.device import pick_device
from earmark.models.store import ModelStore
from earmark.processors.envelope import envelopes
from earmark.processors.loader import load_specs
from earmark.processors.outcome import Result
from earmark.processors.pipeline import Pipeline
from earmark.processors.signal import ItemView
from earmark.streams.bench.codec_rows import sample_signals
from earmark.streams.settings import Settings


class HollowScorer:
    """Says the same of whatever it is given."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def score(self, items: Sequence[ItemView]) -> Sequence[Result]:
        """One result per item."""
        return [self._result] * len(items)


def hollow_pipeline(settings: Settings) -> Pipeline:
    """The pipeline by the settings, for signals that read texts alone."""
    names = settings.worker.signals
    specs = load_specs(names)
    results = {signal.name: signal.result for signal in sample_signals()}
    device = pick_device(settings.worker.device, settings.worker.precision)
    store = ModelStore(settings.home / "models", offline=settings.offline)
    return Pipeline(
        specs=specs,
        scorers={name: HollowScorer(results[name]) for name in specs},
        envelopes=envelopes(specs, store, device),
        asked=names,
        device=device,
    )
