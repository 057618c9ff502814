"""What the rows of one benchmark share: settings, a folder to work in, how much to measure."""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from earmark.models.device import Device, pick_device
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.loader import load_specs
from earmark.processors.pipeline import Pipeline
from earmark.streams.bench.mix import Mix
from earmark.streams.lane_threads import lane_threads
from earmark.streams.settings import Settings

QUICK_SHARE = 8  # a quick run measures on an eighth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """`folder` is empty at the start and removed at the end; `progress` hears of downloads.

    `report` is told what happens, in a few words; `closing` ends what rows have in common.
    `mixes` are those that were asked for, by default all; `corpus` is where their recordings lie,
    None for `folder`.
    """

    settings: Settings
    folder: Path
    closing: ExitStack
    quick: bool
    progress: Progress
    report: Callable[[str], None]
    mixes: tuple[Mix, ...] = tuple(Mix)
    corpus: Path | None = None

    @property
    def recordings(self) -> Path:
        """The folder for `mix.recorded` and `mix.events`, which a worker may read."""
        return self.corpus or self.folder / "mix"

    @property
    def repetitions(self) -> int:
        """How often each measurement is made, the first one that does not count left out."""
        return self.repeated(3)

    def repeated(self, number: int) -> int:
        """`number`, or once where it must be quick."""
        return 1 if self.quick else number

    def scaled(self, number: int) -> int:
        """`number`, or the part of it that a quick run takes."""
        return max(1, number // QUICK_SHARE) if self.quick else number

    @property
    def device(self) -> Device:
        """Where models compute, by the settings."""
        return pick_device(self.settings.worker.device, self.settings.worker.precision)

    @property
    def store(self) -> ModelStore:
        """The store of the settings."""
        return ModelStore(self.settings.home / "models", offline=self.settings.offline)

    def pipeline(self, signals: Collection[str] | None = None) -> Pipeline:
        """The pipeline for `signals` (None: all), its weights fetched where they are missing."""
        self.pull(signals)
        return Pipeline.load(
            signals, store=self.store, device=self.device, executor=lane_threads(self.device)
        )

    def pull(self, signals: Collection[str] | None = None) -> None:
        """Fetch the weights that the signals need and that are not in the store."""
        pull = partial(self.store.pull, progress=self.progress)
        for card in {card for spec in load_specs(signals).values() for card in spec.models}:
            pull(card)
