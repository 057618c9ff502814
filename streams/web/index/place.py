"""Where the index of the inspector lies."""

from pathlib import Path

from earmark.streams.settings import Settings
from earmark.streams.topic import describe_cluster


def index_path(settings: Settings, cluster_id: str) -> Path:
    """Where that of a cluster lies on this machine."""
    return settings.state_folder / cluster_id / "inspector.sqlite"


def index_of(settings: Settings) -> Path:
    """Where that of the settings' cluster does; ServiceError where its brokers do not answer."""
    return index_path(settings, describe_cluster(settings.kafka, lambda _: False).id)
