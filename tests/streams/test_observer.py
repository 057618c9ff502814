"""Whether traces are made: as OpenTelemetry's variables say, and never by themselves."""

import sys

import pytest

from earmark.models.error import ConfigurationError
from earmark.streams.metrics import Metrics
from earmark.streams.observer import Observer, observer_for
from earmark.streams.settings import TracesSettings, load_settings

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({ENDPOINT: HERE}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{HERE}/v1/traces"}, True),
        ({"EARMARK_TRACES__ENDPOINT": f"{HERE}/v1/traces"}, True),
        ({ENDPOINT: HERE, "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: HERE, "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_made_only_where_a_collector_is_named(
    variables: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().traces.asked is asked
    assert (type(observer_for(load_settings(), Metrics())) is Observer) is not asked


def test_without_opentelemetry_who_asks_for_traces_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings(traces=TracesSettings(endpoint=HERE))
    monkeypatch.delitem(sys.modules, "earmark.streams.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'earmark\[otel\]'"):
        observer_for(settings, Metrics())
