"""The environment: what is followed, what is refused, and what is told."""

from __future__ import annotations

import pytest

from streamgauge.otlp.environment import (
    OtlpConfigurationError,
    Protocol,
    SignalSettings,
    read_environment,
)


def test_nothing_set():
    """GRPC with a timeout of 5 s for both signals, and nothing to tell."""
    environment = read_environment({})
    assert environment.metrics == environment.traces == SignalSettings(Protocol.GRPC, 5.0)
    assert environment.facts == ()


def test_empty_counts_as_not_set():
    """The specification says so."""
    environment = read_environment(
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "", "OTEL_EXPORTER_OTLP_TIMEOUT": " "}
    )
    assert environment == read_environment({})


@pytest.mark.parametrize("signal", ["METRICS", "TRACES"])
def test_variable_of_the_signal_wins(signal):
    """OTEL_EXPORTER_OTLP_METRICS_* beats OTEL_EXPORTER_OTLP_*, and only for metrics."""
    environment = read_environment(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "7",
            f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT": "2.5",
        }
    )
    by_signal = {"METRICS": environment.metrics, "TRACES": environment.traces}
    assert by_signal.pop(signal) == SignalSettings(Protocol.GRPC, 2.5)
    assert list(by_signal.values()) == [SignalSettings(Protocol.HTTP, 7.0)]


@pytest.mark.parametrize("protocol", ["http/json", "http", "thrift"])
def test_unknown_protocol_is_refused(protocol):
    """What, where, what to do."""
    with pytest.raises(
        OtlpConfigurationError,
        match=f"^OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: only grpc and http/protobuf",
    ):
        read_environment({"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})


def test_timeout_in_milliseconds_is_corrected_and_told():
    """10000 by the specification is 10 s; the SDK would take it as 2.8 hours."""
    environment = read_environment({"OTEL_EXPORTER_OTLP_TIMEOUT": "10000"})
    assert environment.metrics == SignalSettings(Protocol.GRPC, 10.0)
    assert environment.traces == environment.metrics
    (fact,) = environment.facts
    assert fact.startswith("OTEL_EXPORTER_OTLP_TIMEOUT=10000 is taken as milliseconds: 10 s")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_impossible_timeout_is_refused(value):
    """A timeout is a positive number."""
    with pytest.raises(OtlpConfigurationError, match="OTEL_EXPORTER_OTLP_METRICS_TIMEOUT"):
        read_environment({"OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": value})


def test_disabled():
    """OTEL_SDK_DISABLED switches both signals off, and nothing else is looked at."""
    environment = read_environment(
        {"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
    )
    assert environment.metrics is None
    assert environment.traces is None
    assert environment.facts == ("OTEL_SDK_DISABLED is true: nothing goes out by OTLP",)


def test_one_signal_off():
    """OTEL_TRACES_EXPORTER=none leaves the metrics on."""
    environment = read_environment({"OTEL_TRACES_EXPORTER": "none"})
    assert environment.metrics is not None
    assert environment.traces is None


def test_other_exporters_are_refused():
    """Only OTLP is spoken."""
    assert read_environment({"OTEL_METRICS_EXPORTER": "console, otlp"}).metrics is not None
    with pytest.raises(OtlpConfigurationError, match="OTEL_METRICS_EXPORTER=prometheus"):
        read_environment({"OTEL_METRICS_EXPORTER": "prometheus"})


def test_endpoint_without_a_scheme():
    """HTTP cannot work without one; gRPC takes it as TLS, which is told."""
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}
    (fact,) = read_environment(endpoint).facts
    assert "gRPC uses TLS" in fact
    assert read_environment({**endpoint, "OTEL_EXPORTER_OTLP_INSECURE": "true"}).facts == ()
    with pytest.raises(OtlpConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317"):
        read_environment({**endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ],
)
def test_what_is_not_followed_is_told(name, value):
    """A variable that changes nothing is named, so that nobody waits for its effect."""
    (fact,) = read_environment({name: value}).facts
    assert fact.startswith(f"{name}={value} is not ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Cumulative"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ],
)
def test_what_is_followed_anyway_is_not_told(name, value):
    """No noise where the variable asks for what is done."""
    assert read_environment({name: value}).facts == ()
