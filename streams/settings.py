"""All settings, read in one place: EARMARK_* variables over `earmark.toml` over the defaults.

Sections nest with two underscores: EARMARK_KAFKA__BOOTSTRAP_SERVERS, EARMARK_MEDIA__ROOTS. The file
is `earmark.toml` in the working directory, or the one that EARMARK_CONFIG names. A setting that
there is not is a mistake, wherever it stands.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from earmark.models.error import ConfigurationError
from earmark.models.store import default_home
from earmark.streams import setting_source
from earmark.streams.setting_source import Fault, config_file


class KafkaSettings(BaseModel):
    """How to reach the brokers. `client` is passed to librdkafka as it is (SASL, TLS, ...).

    `client` may hold secrets: its values never appear in logs.
    """

    bootstrap_servers: str = "127.0.0.1:9092"
    group_id: str = "earmark"
    group_protocol: Literal["classic", "consumer"] = "classic"
    slot: str = "0"  # names this worker in its group; stable across restarts
    client: dict[str, SecretStr] = Field(default_factory=dict)
    receipts_topic: str = "content.receipts.v1"  # one per group of workers
    partitions: int = 8
    replication_factor: int = 1


class RegistrySettings(BaseModel):
    """Any registry that speaks Confluent's REST calls."""

    url: str = "http://127.0.0.1:8081/apis/ccompat/v7"
    username: str | None = None
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None
    ca_location: Path | None = None
    certificate_location: Path | None = None
    key_location: Path | None = None


class StoreSettings(BaseModel):
    """A media store that events name by `store://<name>/<key>`: `streams/resolvers/signed.py`."""

    model_config = ConfigDict(extra="forbid")

    uri: str  # https://cdn.example.org/{key}?exp={expires}&sig={signature}
    secret: SecretStr | None = None  # the key of the signature
    valid_s: float = Field(default=300.0, gt=0)  # how long a signature holds


class MediaSettings(BaseModel):
    """What the fetcher may read, and how much of it."""

    # that of a resolver which is installed is to be added
    schemes: tuple[str, ...] = ("http", "https", "s3", "file", "store", "kafka")
    roots: tuple[Path, ...] = ()  # file:// is served from these folders only
    hosts: tuple[str, ...] = ()  # if any: only these; "*.example.org" matches below
    allow_private_addresses: bool = False
    max_bytes: int = 2_000_000_000
    spool_bytes: int = 4_000_000_000  # on disk at once, on their way to the decoders
    timeout_s: float = 60.0
    max_redirects: int = 3
    max_hours: float = 24.0
    attempts: int = 3
    s3: dict[str, SecretStr] = Field(default_factory=dict)  # passed to s3fs
    stores: dict[str, StoreSettings] = Field(default_factory=dict)  # by name


class RetrySettings(BaseModel):
    """How often, and after which pauses, an event is tried whose failure may pass."""

    attempts: int = Field(default=5, ge=1)  # in all; then it is dead-lettered
    first_s: float = Field(default=15.0, gt=0)  # before the second attempt; doubled each time
    longest_s: float = Field(default=600.0, gt=0)


class BreakerSettings(BaseModel):
    """From when on a worker stops instead of dead-lettering more."""

    window: int = Field(default=400, ge=1)  # of the last so many events
    share: float = Field(default=0.5, ge=0, le=1)  # more than this share
    in_a_row: int = Field(default=100, ge=0)  # or so many in a row; 0: any number


class WorkerSettings(BaseModel):
    """How the worker batches and computes."""

    device: str = "auto"
    precision: str = "auto"
    signals: tuple[str, ...] = ()  # none named: all
    models: dict[str, str] = Field(default_factory=dict)  # cards to use instead, by signal
    thresholds: dict[str, Path] = Field(default_factory=dict)  # files likewise
    restricted: tuple[str, ...] = ()  # whole to restricted.<topic>, without text to their own
    batch_events: int = 256  # most records taken from Kafka at once
    batch_wait_s: float = 0.05  # what was gathered is scored when nothing has come for so long
    events_in_flight: int = 1024  # between read and committed
    bytes_in_flight: int = 64_000_000  # of records, likewise
    decoded_bytes: int = 16_000_000  # of samples that wait for the device: 250 s of audio
    fetchers: int = 4
    decoders: int = 0  # 0: one per core that the models leave, at least one
    decode_stall_s: float = 60.0
    decode_memory_bytes: int = Field(default=2_000_000_000, ge=0)  # of one decoder; 0: any
    decode_cpu_s: float = Field(default=7_200.0, ge=0)  # of the processor, for an event; 0: any
    long_minutes: float = Field(default=30.0, ge=0)  # of audio: more waits among its kind; 0: none
    answer_cache_bytes: int = Field(default=256_000_000, ge=0)  # of answers about recordings kept
    stall_s: float = Field(default=600.0, gt=0)  # without a step in a stage that has work
    crashes: int = Field(default=3, ge=1)  # deaths of the worker that condemn an event
    retry: RetrySettings = Field(default_factory=RetrySettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    http_port: int = 0  # health and metrics; 0 picks a free one
    http_host: str = "127.0.0.1"


class AgentsSettings(BaseModel):
    """How the agents judge."""

    batch_wait_s: float = Field(default=0.02, gt=0)  # what was gathered so long is judged
    reload_s: float = Field(default=5.0, gt=0)  # between two looks at the policies' files
    http_port: int = 0  # verdicts, health and metrics; 0 picks a free one
    http_host: str = "127.0.0.1"


class LogSettings(BaseModel):
    """What processes say of themselves on the standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"  # debug: a line per event
    content: bool = False  # texts too, in the lines per event


class TracesSettings(BaseModel):
    """Where OpenTelemetry's spans go; its own variables (OTEL_*) say the rest, and this too."""

    endpoint: str | None = None  # a collector's traces: http://127.0.0.1:4318/v1/traces

    @property
    def asked(self) -> bool:
        """Whether spans are to be made: here, or by OpenTelemetry's variables."""
        named = self.endpoint or any(os.environ.get(name) for name in _OTLP_ENDPOINTS)
        refused = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        return bool(named) and not refused and os.environ.get("OTEL_TRACES_EXPORTER") != "none"

    @property
    def service_is_named(self) -> bool:
        """Whether OpenTelemetry's variables name the service."""
        attributes = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        return bool(os.environ.get("OTEL_SERVICE_NAME")) or "service.name=" in attributes


_OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class EndpointSettings(BaseModel):
    """An endpoint that speaks OpenAI's chat completions, for cards with an `[instruction]`."""

    url: str  # ends where /chat/completions begins
    key: SecretStr | None = None
    timeout_s: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=4, ge=1)
    at_once: int = Field(default=4, ge=1)
    max_requests: int = Field(default=10_000, ge=0)  # of one process, as is the next
    max_tokens: int = Field(default=5_000_000, ge=0)


class ReviewSettings(BaseModel):
    """What people are asked, and how their answers come back."""

    routing: Path | None = None  # a file like `processors/review/review.toml`; none: that one
    annotators: int = Field(default=1, ge=1)  # that a question is open for
    mask: bool = False  # personal data in what annotators see
    http_host: str = "127.0.0.1"
    http_port: int = 0  # 0 picks a free one
    token: SecretStr | None = None  # that callers of the endpoint send as a bearer token


class WebTokenSettings(BaseModel):
    """Who may ask the inspector with a token, of which the sha256 (hex) may stand here instead."""

    model_config = ConfigDict(extra="forbid")

    user: str = Field(min_length=1, max_length=200)
    token: SecretStr | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{64}$")
    roles: tuple[Literal["viewer", "operator"], ...] = ("viewer",)


class WebSettings(BaseModel):
    """The inspector: where it answers, and whom."""

    http_host: str = "127.0.0.1"
    http_port: int = 0  # 0 picks a free one
    tokens: tuple[WebTokenSettings, ...] = ()
    user_header: str | None = None  # of a proxy that has asked who it is (OIDC)
    role_header: str | None = None  # with "viewer" or "operator" in it, by commas
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose headers are believed
    hosts: tuple[str, ...] = ()  # names by which it may be asked, beside this machine's own
    restricted: bool = False  # read restricted.<topic> too: transcripts as they are
    evaluations: Path | None = None  # a folder with what `earmark eval SIGNAL --json` printed
    cache_bytes: int = Field(default=200_000_000, ge=0)  # of waveforms and spectrograms kept
    media_bytes: int = Field(default=500_000_000, ge=0)  # of recordings that are being played


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="EARMARK_", env_nested_delimiter="__", extra="forbid", env_ignore_empty=True
    )

    home: Path = Field(default_factory=default_home)
    state: Path | None = None  # what a worker keeps on disk between runs; none: home / "state"
    fingerprints: Path | None = None  # the index of `earmark match`; none: in the state's folder
    policies: Path | None = None  # a folder of TOML files; none: the shipped ones are in force
    offline: bool = False
    maven_repository: str | None = None  # a mirror; none: the client's default
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    agents: AgentsSettings = Field(default_factory=AgentsSettings)
    endpoint: EndpointSettings | None = None
    log: LogSettings = Field(default_factory=LogSettings)
    traces: TracesSettings = Field(default_factory=TracesSettings)
    review: ReviewSettings = Field(default_factory=ReviewSettings)
    web: WebSettings = Field(default_factory=WebSettings)

    @property
    def state_folder(self) -> Path:
        """Where a worker keeps what it can make again, but would rather not."""
        return self.state or self.home / "state"

    @property
    def fingerprint_index(self) -> Path:
        """Where `earmark match` keeps the fingerprints of items, unless it is told otherwise."""
        return self.fingerprints or self.state_folder / "fingerprints.sqlite"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments over environment over file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, file


def load_settings(**overrides: object) -> Settings:
    """The settings in force; raises ConfigurationError that names the setting which is wrong."""
    settings, faults = read_settings(**overrides)
    if settings is None or faults:
        more = f" (and {len(faults) - 1} more: see `earmark config check`)" if faults[1:] else ""
        raise ConfigurationError(f"{faults[0]}{more}")
    return settings


def read_settings(**overrides: object) -> tuple[Settings | None, list[Fault]]:
    """The settings in force, and all that is wrong with them; None where they cannot be made."""
    faults = [*setting_source.file_faults(), *setting_source.faults(Settings)]
    if faults:
        return None, faults
    try:
        return Settings(**overrides), []  # type: ignore[arg-type]  # checked by pydantic, which knows the fields
    except ValidationError as error:
        return None, list(_faults(error))
    except (OSError, ValueError) as error:
        return None, [Fault(name=None, where=str(config_file()), reason=str(error))]


def _faults(error: ValidationError) -> Iterator[Fault]:
    places = setting_source.places(Settings)
    for it in error.errors(include_input=False, include_url=False):
        path = tuple(str(part) for part in it["loc"])
        # a fault in a list is at one of its elements, and in force is the list
        where = next(
            (places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), None
        )
        yield Fault(name=setting_source.dotted(path), where=where, reason=it["msg"])


def with_worker(settings: Settings, *, slot: str | None = None, **worker: object) -> Settings:
    """The settings with what is not None in `worker` (fields of WorkerSettings) and `slot`."""
    given = {name: value for name, value in worker.items() if value is not None}
    kafka = settings.kafka.model_copy(update={} if slot is None else {"slot": slot})
    return settings.model_copy(
        update={"worker": settings.worker.model_copy(update=given), "kafka": kafka}
    )
