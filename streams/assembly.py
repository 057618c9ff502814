"""Puts a worker together from settings: what it reads with, computes on and publishes through."""

from collections.abc import Callable, Mapping
from functools import partial

from confluent_kafka import Consumer

from earmark.models.device import available_cores, pick_device
from earmark.models.store import ModelStore
from earmark.processors.codec import decode_event, event_codec
from earmark.processors.content import ContentEvent
from earmark.processors.loader import load_specs, with_models
from earmark.processors.pipeline import Pipeline
from earmark.processors.schema import RECEIPTS
from earmark.processors.signal import SignalSpec, Takes
from earmark.streams.answer_cache import AnswerCache
from earmark.streams.course import Course, Onward
from earmark.streams.crash_ledger import CrashLedger, ledger_path
from earmark.streams.decoding import DecodePool
from earmark.streams.fetch import Fetcher
from earmark.streams.health import Health
from earmark.streams.hearing import Hearing, PlanHeard, Score
from earmark.streams.inline_audio import InlineAudio
from earmark.streams.instruction.service import instructed
from earmark.streams.kafka import worker_id
from earmark.streams.lane_threads import lane_threads
from earmark.streams.leftover import Leftovers
from earmark.streams.metrics import Metrics
from earmark.streams.observer import Observer, observer_for
from earmark.streams.own_thresholds import own_thresholds
from earmark.streams.promotion import promotion_reader
from earmark.streams.publisher import Publisher
from earmark.streams.receipts import Receipts
from earmark.streams.registry import Registry
from earmark.streams.route import Route
from earmark.streams.settings import Settings
from earmark.streams.topic import CONTENT_EVENTS, REJECTIONS
from earmark.streams.watchdog import Watchdog, ending_process, limits_s
from earmark.streams.worker import Worker, consumer_for

Publishing = Callable[[Settings, Mapping[str, int], Route, Consumer], Publisher]
Loading = Callable[[Settings], Pipeline]

LIVE = Route()
NICE_OF_LONG = 10  # a long recording is in nobody's way


def in_transactions(
    settings: Settings, schema_ids: Mapping[str, int], route: Route, _: Consumer
) -> Publisher:
    """What a worker publishes through."""
    return Publisher(settings, schema_ids, worker=worker_name(settings), route=route)


def assemble(
    settings: Settings,
    *,
    registry: Registry,
    health: Health,
    metrics: Metrics,
    route: Route = LIVE,
    course: Course | None = None,
    publishing: Publishing = in_transactions,
    loading: Loading | None = None,
    observer: Observer | None = None,
) -> Worker:
    """A worker ready to run; `registry` stays open as long as it runs.

    By default a live one; a replay brings its `route` and its `course`. What another `publishing`
    makes serves to measure this one: the worker promises nothing with it, and `loading` another
    pipeline than that of the settings likewise. Another `observer` than
    the settings ask for is one with these `metrics`.

    Raises ConfigurationError where a schema is not registered or a signal is not known, and
    ServiceError where the registry does not answer. The models are loaded when it runs.
    """
    names = settings.worker.signals or None
    specs = with_models(load_specs(names), settings.worker.models)
    published = [spec.topic for name, spec in specs.items() if names is None or name in names]
    schema_ids = registry.ids_for_worker([*published, CONTENT_EVENTS, REJECTIONS, RECEIPTS])
    codec = event_codec(registry.schema_by_id)

    def read(payload: bytes) -> ContentEvent:
        return decode_event(payload, codec)

    metrics.know(specs)
    observer = observer or observer_for(settings, metrics)

    def load() -> Pipeline:
        pipeline = (loading or load_pipeline)(settings)
        metrics.watch(pipeline.budgets)
        metrics.device_is(pipeline.device)
        for budget in pipeline.budgets.values():
            budget.watch = observer.batch
        return pipeline

    watchdog = Watchdog(ending_process(health), limits_s=limits_s(settings.worker.stall_s))
    # the decode processes come first: each starts while this process loads its models
    hearing, fetcher = hearing_maker(
        settings,
        specs,
        read=read,
        watchdog=watchdog,
        sets_apart=route.long is not None and settings.worker.long_minutes > 0,
    )
    course = course or Onward()
    consumer = consumer_for(settings, bounded=course.bounded)
    metrics.queue_bytes.labels("spool").set_function(lambda: fetcher.spooled_bytes)

    return Worker(
        settings,
        load=load,
        read=read,
        read_promotion=promotion_reader(registry.schema_by_id),
        route=route,
        course=course,
        publisher=publishing(settings, schema_ids, route, consumer),
        hearing=hearing,
        consumer=consumer,
        crashes=CrashLedger(ledger_path(settings), crashes=settings.worker.crashes),
        watchdog=watchdog,
        leftovers=Leftovers(
            settings.kafka,
            [settings.kafka.receipts_topic, *map(route.written, published)],
            ended=metrics.transactions.labels("aborted").inc,
        ),
        receipts=Receipts(settings, schema_ids[RECEIPTS], published),
        answers=AnswerCache(
            settings.state_folder / "answers.sqlite", max_bytes=settings.worker.answer_cache_bytes
        ),
        health=health,
        observer=observer,
    )


def hearing_maker(
    settings: Settings,
    specs: Mapping[str, SignalSpec],
    *,
    read: Callable[[bytes], ContentEvent],
    watchdog: Watchdog,
    sets_apart: bool,
) -> tuple[Callable[[PlanHeard, Score], Hearing], Fetcher]:
    """What makes the hearing of a worker, its decode processes started; and what it fetches by."""
    make_decoders = partial(
        DecodePool,
        meters=[name for name, spec in specs.items() if spec.takes is Takes.METER],
        stall_s=settings.worker.decode_stall_s,
        max_hours=settings.media.max_hours,
        first_hours=settings.worker.long_minutes / 60,
        memory_bytes=settings.worker.decode_memory_bytes,
        cpu_s=settings.worker.decode_cpu_s,
    )
    # a fetch that waits for room waits for the decoders, which have a limit of their own
    fetcher = Fetcher(
        settings.media,
        inline=InlineAudio(settings.kafka, read),
        waiting=watchdog.stage("fetch").moved,
    )
    made = partial(
        Hearing,
        fetcher=fetcher,
        fetchers=settings.worker.fetchers,
        decoders=make_decoders(settings.worker.decoders or _cores_for_decoding()),
        decoders_of_long=partial(make_decoders, 1, nice=NICE_OF_LONG),
        sets_apart=sets_apart,
        watchdog=watchdog,
    )
    return lambda plan_heard, score: made(plan_heard=plan_heard, score=score), fetcher


def load_pipeline(settings: Settings) -> Pipeline:
    """The pipeline by the settings, its weights from the store of `settings.home`."""
    import torch

    torch.set_num_threads(available_cores())
    store = ModelStore(settings.home / "models", offline=settings.offline)
    device = pick_device(settings.worker.device, settings.worker.precision)
    return Pipeline.load(
        settings.worker.signals or None,
        models=settings.worker.models,
        thresholds=own_thresholds(settings),
        services=instructed(settings, store, settings.worker.models.values()),
        store=store,
        device=device,
        executor=lane_threads(device),
    )


def worker_name(settings: Settings) -> str:
    """How this worker is called in dead letters and logs."""
    return worker_id(settings.kafka)


def _cores_for_decoding() -> int:
    return max(1, available_cores() // 2)
