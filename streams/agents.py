"""The Faust app that judges: profiles, signals and decisions in, verdicts and questions out.

`earmark agents` runs it, and so does `faust -A earmark.streams.agents worker --without-web`, whose
`app` is made of the settings in force when it is first asked for. It is an app in the safe form:
bytes in, decoded here; acknowledged one by one, in order, after what came of them was taken; no
tables, but a state of its own (see `earmark.streams.judging`); whatever fails ends the process,
which a supervisor starts again.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from threading import Timer
from typing import Any

import structlog

from earmark.models.error import ConfigurationError
from earmark.streams.settings import Settings

log = structlog.get_logger()

TAKEN = 500  # records at once
# read ahead of each partition, compressed: in memory it is up to fifty times as much
FETCH_BYTES = 65_536
SESSION_S = 10.0  # a killed process that is not started again is missed after so long
HEARTBEAT_S = 1.0
COMMIT_S = 1.0
FAREWELL_S = 20.0  # to finish what was begun, for which Faust would wait 20 minutes for a broker


def make_app(settings: Settings, *, shadow: str | None = None) -> Any:
    """The app for these settings; `app.host` is what it works with.

    `shadow` names a group that reads the same and writes to topics of its own. Raises
    ConfigurationError where the policies, or what the brokers are to be told, are wrong.
    """
    _require_zstd()
    from mode.supervisors import CrashingSupervisor

    from earmark.streams.judging.access import access
    from earmark.streams.judging.channel import Channels, topics_of
    from earmark.streams.judging.committed import CommittedApp
    from earmark.streams.judging.host import Host
    from earmark.streams.judging.policy_shelf import PolicyWatch

    watch = PolicyWatch(settings.policies)
    channels = Channels(signals=topics_of(watch.shelf.signals), shadow=shadow)
    group = channels.group(settings.kafka)

    class AgentsApp(CommittedApp):
        """The app with its host, which it opens and closes."""

        host: Host

        async def on_first_start(self) -> None:
            self.host.open()
            await super().on_first_start()
            self.add_future(self.host.tend())
            self.add_future(self.host.rejudge())

        async def on_stop(self) -> None:
            end_within(FAREWELL_S)
            await super().on_stop()

        async def on_shutdown(self) -> None:
            await super().on_shutdown()
            await self.host.close()

    app = AgentsApp(
        group,
        **access(settings.kafka),
        store="memory://",
        datadir=str(settings.state_folder / "faust"),
        agent_supervisor=CrashingSupervisor,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES,
        # a static member that comes back after a kill takes its partitions over at once
        consumer_group_instance_id=f"{group}-{settings.kafka.slot}",
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_commit_interval=COMMIT_S,
        producer_compression_type="zstd",
        worker_redirect_stdouts=False,
    )
    app.host = Host(app, settings, watch, channels)
    app.on_partitions_assigned.connect(app.host.on_assigned)
    _add_agents(app, channels)
    return app


def _add_agents(app: Any, channels: Any) -> None:
    """One agent for each kind of input: a flood of one holds the others up for a batch at most."""
    from earmark.streams.topic import PROFILES, REVIEW_DECISIONS, VERDICTS

    kinds: dict[str, Sequence[str]] = {
        "profiles": (PROFILES,),
        "signals": channels.signals,
        "decisions": (REVIEW_DECISIONS,),
        "verdicts": (channels.actual(VERDICTS),),
    }
    for name, topics in kinds.items():
        if topics:
            source = app.topic(
                *topics,
                key_type=bytes,
                key_serializer="raw",
                value_type=bytes,
                value_serializer="raw",
            )
            app.agent(source, name=f"{app.conf.id}.{name}", concurrency=1)(_agent(app.host))


def _agent(host: Any) -> Callable[[Any], Awaitable[None]]:
    async def judge(stream: Any) -> None:
        within = host.batch_wait_s
        async for events in stream.noack_take(TAKEN, within=within):
            await host.take([event.message for event in events])
            for event in events:
                await stream.ack(event)

    return judge


def end_within(seconds: float) -> None:
    """End the process then, if it still runs: what it leaves undone is done by the next one."""
    farewell = Timer(seconds, _end, [seconds])
    farewell.daemon = True
    farewell.start()


def _end(seconds: float) -> None:
    log.error("ended before all was finished", seconds=seconds)
    os._exit(1)


def _require_zstd() -> None:
    """Raises ConfigurationError where Faust's client could not read what our producers write."""
    from aiokafka.codec import has_zstd

    if not has_zstd():
        raise ConfigurationError("agents need the package cramjam, to read records that are zstd")


def __getattr__(name: str) -> Any:
    """`app`, for `faust -A earmark.streams.agents`."""
    if name != "app":
        raise AttributeError(name)
    from earmark.streams.endpoint import endpoint

    globals()["app"] = make_app(endpoint())
    return globals()["app"]
