"""Which brokers and which registry a client talks to."""

from earmark.streams.local.state import resolve_settings
from earmark.streams.settings import Settings, load_settings


def endpoint(
    settings: Settings | None = None,
    *,
    bootstrap_servers: str | None = None,
    registry_url: str | None = None,
) -> Settings:
    """The settings given, or those in force, with these addresses in place of theirs.

    Where no brokers are named in any of these, a local stack that runs is the one.
    """
    settings = settings or load_settings()
    if bootstrap_servers is not None:
        kafka = settings.kafka.model_copy(update={"bootstrap_servers": bootstrap_servers})
        settings = settings.model_copy(update={"kafka": kafka})
    settings = resolve_settings(settings)
    if registry_url is not None:
        registry = settings.registry.model_copy(update={"url": registry_url})
        settings = settings.model_copy(update={"registry": registry})
    return settings
