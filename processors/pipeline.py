"""The product in one class: content events in, outcomes out.

    decode(event) -> blocks             CPU; in child processes under the worker
    Pipeline.score(blocks) -> outcomes  the device; clips of all events share batches
    Pipeline.run(events) -> outcomes    both in one call

A pipeline is loaded once, in the thread that will score, and used from that thread alone, which
may have batches computed in lanes (see `lanes`).
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from earmark.models.device import Device, pick_device
from earmark.models.source import Progress
from earmark.models.store import ModelStore
from earmark.processors.block import STIR, Block, Stir
from earmark.processors.budget import Budget, full_budget
from earmark.processors.canary import canary_clip, canary_view, tone
from earmark.processors.content import ContentEvent, stated_digest
from earmark.processors.envelope import Envelope, envelopes
from earmark.processors.expected import expected_signals
from earmark.processors.identity import AnswerKey
from earmark.processors.lanes import LaneExecutor
from earmark.processors.loader import load_specs, with_models
from earmark.processors.outcome import Answer, Outcome
from earmark.processors.plan import Plan, Recall, nothing_kept, plan_for, whole_plan
from earmark.processors.scorers import load_scorers
from earmark.processors.session import Session
from earmark.processors.signal import (
    ClipScorer,
    MeterFactory,
    PassageScorer,
    SignalSpec,
    StreamScorer,
    Takes,
    WindowScorer,
)
from earmark.processors.threshold import SHIPPED, Thresholds

INTERLEAVED = 16  # events decoded side by side by `run`, so that batches fill

Media = Mapping[str, bytes | Path]
NO_MODELS: Mapping[str, str] = MappingProxyType({})
NO_SERVICES: Mapping[str, Any] = MappingProxyType({})
NO_KEYS: Mapping[str, AnswerKey] = MappingProxyType({})


class Pipeline:
    """Scores events by the signals it was loaded with.

    `budgets` say by signal how much is given to its model at once: less for a while where a batch
    did not fit into memory. Any thread may look at them.
    """

    def __init__(
        self,
        *,
        specs: Mapping[str, SignalSpec],
        scorers: Mapping[str, object],
        envelopes: Mapping[str, Envelope],
        asked: Collection[str],
        device: Device,
        executor: LaneExecutor | None = None,
    ) -> None:
        self.specs = specs
        self.executor = executor
        self.device = device
        self.asked = frozenset(asked)
        self.budgets: Mapping[str, Budget] = {
            name: full_budget(specs[name].takes, device) for name in scorers
        }
        self._scorers = scorers
        self._envelopes = envelopes

    @classmethod
    def load(
        cls,
        signals: Collection[str] | None = None,
        *,
        models: Mapping[str, str] = NO_MODELS,
        thresholds: Mapping[str, Thresholds] = SHIPPED,
        services: Mapping[str, Any] = NO_SERVICES,
        store: ModelStore | None = None,
        device: Device | None = None,
        progress: Progress | None = None,
        executor: LaneExecutor | None = None,
    ) -> "Pipeline":
        """A pipeline for `signals` (None: all) with everything they need, ready to score.

        `models` names cards to use in place of the shipped choice, by signal, and `thresholds`
        those to use in place of the shipped ones. `services` are models that the host reaches
        elsewhere, by card. `progress(label, done, total)` is told of each scorer as it is loaded.
        With an `executor` batches of different models are computed side by side in its threads.
        Raises ConfigurationError for an unknown signal or a card that does not serve it, ModelError
        where weights are missing or wrong.
        """
        store = store or ModelStore()
        device = device or pick_device()
        specs = with_models(load_specs(signals), models)
        return cls(
            specs=specs,
            scorers=load_scorers(
                specs,
                store=store,
                device=device,
                thresholds=thresholds,
                services=services,
                chosen=models,
                progress=progress,
            ),
            envelopes=envelopes(specs, store, device, thresholds),
            asked=specs if signals is None else signals,
            device=device,
            executor=executor,
        )

    def warm_up(self) -> None:
        """Score known good input by every model: the first call of each takes seconds longer."""
        for name, scorer in self._scorers.items():
            match self.specs[name].takes:
                case Takes.STREAM:
                    stream = cast(StreamScorer, scorer)
                    length = stream.chunk_samples
                    stream.step([stream.start()], tone(length)[None], [length])
                case Takes.CLIPS:
                    cast(ClipScorer, scorer).score([canary_clip()])
                case Takes.WINDOWS:
                    _warm_up(cast(WindowScorer, scorer))
                case Takes.PASSAGES:
                    cast(PassageScorer, scorer).score([canary_view()])

    @property
    def meters(self) -> Mapping[str, MeterFactory]:
        """What `decode` is to measure at the native rate, by signal."""
        return {name: spec.make for name, spec in self.specs.items() if spec.takes is Takes.METER}

    def plan(
        self,
        event: ContentEvent,
        *,
        audio_sha256: str | None = None,
        standing: Mapping[str, AnswerKey] = NO_KEYS,
        recall: Recall = nothing_kept,
    ) -> Plan:
        """What is to be computed for the event, given the answers that stand and those kept.

        `audio_sha256` is the digest of its media where it is known; by default what the event
        says. Where nobody knows it, everything is computed. Any thread may ask.
        """
        digest = audio_sha256 or stated_digest(event)
        expected = expected_signals(event, self.specs)
        unknown = event.audio is not None and digest is None
        if unknown or (not standing and recall is nothing_kept):
            return whole_plan(self.specs, expected, self.asked)
        keys = {name: self._envelopes[name].key(event, audio_sha256=digest) for name in expected}
        return plan_for(self.specs, keys, asked=self.asked, standing=standing, recall=recall)

    def run(self, events: Iterable[ContentEvent], *, media: Media | None = None) -> list[Outcome]:
        """All outcomes of the events; media that is not inline is given by content_id.

        Outcomes of one event stand together; events may finish in another order than they came.
        """
        return list(self.score(self.decoded(events, media=media)))

    def decoded(
        self, events: Iterable[ContentEvent], *, media: Media | None = None
    ) -> Iterator[Block]:
        """The blocks of all events, a few events decoded side by side in this thread."""
        from earmark.processors.decode import decode  # here: who has samples needs no decoder

        given = media or {}
        streams = (
            decode(event, given.get(event.content_id), meters=self.meters) for event in events
        )
        yield from interleaved(streams)

    def score(self, blocks: Iterable[Block | Stir | None]) -> Iterator[Outcome]:
        """Outcomes as they become known; see `answer`."""
        for answer in self.answer(blocks):
            yield from answer.outcomes

    def answer(self, blocks: Iterable[Block | Stir | None]) -> Iterator[Answer]:
        """One answer per event, as soon as all its outcomes are known.

        None among the blocks says that no more is ready just now: what was gathered is scored
        without waiting for fuller batches. STIR says that a batch is through in a lane, which may
        have the next. Raises ModelError when a model fails on known good
        input.
        """
        session = Session(
            specs=self.specs,
            scorers=self._scorers,
            envelopes=self._envelopes,
            asked=self.asked,
            budgets=self.budgets,
            executor=self.executor,
        )
        with closing(session):
            for block in blocks:
                if block is None:
                    yield from session.drain()
                    continue
                if block is not STIR:
                    session.take(block)
                yield from session.advance()
            yield from session.drain()


def _warm_up(scorer: WindowScorer) -> None:
    length = scorer.trunk.window_samples
    scorer.score(scorer.trunk.features(tone(length)[None], [length]))


def interleaved(streams: Iterator[Iterator[Block]], *, width: int = INTERLEAVED) -> Iterator[Block]:
    """Blocks of up to `width` streams in turn, the next stream opened when one has ended."""
    open_streams: deque[Iterator[Block]] = deque(islice(streams, width))
    while open_streams:
        stream = open_streams.popleft()
        block = next(stream, None)
        if block is None:
            open_streams.extend(islice(streams, 1))
            continue
        yield block
        open_streams.append(stream)
