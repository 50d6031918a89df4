"""The OTEL_* variables that the SDK's classes do not read, or read in another unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT_SECONDS: Final = 5.0
"""Long enough for one retry after 1 s and one after 2 s more."""
_SURELY_MILLISECONDS: Final = 1000.0
"""The specification has the timeout in milliseconds, the Python SDK reads seconds."""


class OtlpConfigurationError(ValueError):
    """A setting of OTLP that cannot work: what, where, what to do."""


class Protocol(StrEnum):
    """How OTLP travels."""

    GRPC = "grpc"
    HTTP = "http/protobuf"


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """How one signal, metrics or traces, is exported."""

    protocol: Protocol
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment asks for; None is a signal that it switches off."""

    metrics: SignalSettings | None
    traces: SignalSettings | None
    facts: tuple[str, ...]
    """What an operator should know: where a variable is not followed to the letter."""


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read the variables; an empty one counts as not set, as the specification says.

    Raises:
        OtlpConfigurationError: naming the variable, its value and what it may be.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Environment(None, None, ("OTEL_SDK_DISABLED is true: nothing goes out by OTLP",))
    facts: list[str] = []
    metrics = _signal(given, "METRICS", facts)
    traces = _signal(given, "TRACES", facts)
    if metrics:
        facts += _metrics_facts(given)
    sampler = given.get("OTEL_TRACES_SAMPLER")
    if traces and sampler:
        facts.append(
            f"OTEL_TRACES_SAMPLER={sampler} is not used: "
            "a span is recorded exactly when its producer's trace is sampled"
        )
    return Environment(metrics, traces, tuple(dict.fromkeys(facts)))


def _signal(given: Mapping[str, str], signal: str, facts: list[str]) -> SignalSettings | None:
    name = f"OTEL_{signal}_EXPORTER"
    exporters = [part.strip() for part in given.get(name, "otlp").split(",")]
    if exporters == ["none"]:
        facts.append(f"{name} is none: no {signal.lower()} go out by OTLP")
        return None
    if "otlp" not in exporters:
        raise OtlpConfigurationError(f"{name}={given[name]}: only otlp and none are known")
    protocol = _protocol(given, signal)
    _check_endpoint(given, signal, protocol, facts)
    return SignalSettings(protocol, _timeout_seconds(given, signal, facts))


def _find(given: Mapping[str, str], signal: str, option: str) -> tuple[str, str] | None:
    """Name and value of the signal's own variable, else of the one for all signals."""
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_{option}", f"OTEL_EXPORTER_OTLP_{option}"):
        if name in given:
            return name, given[name]
    return None


def _protocol(given: Mapping[str, str], signal: str) -> Protocol:
    found = _find(given, signal, "PROTOCOL")
    if found is None:
        return Protocol.GRPC
    name, value = found
    try:
        return Protocol(value.lower())
    except ValueError:
        known = " and ".join(Protocol)
        raise OtlpConfigurationError(f"{name}={value}: only {known} are supported") from None


def _timeout_seconds(given: Mapping[str, str], signal: str, facts: list[str]) -> float:
    found = _find(given, signal, "TIMEOUT")
    if found is None:
        return DEFAULT_TIMEOUT_SECONDS
    name, value = found
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise OtlpConfigurationError(f"{name}={value}: give a number of seconds above 0")
    if seconds < _SURELY_MILLISECONDS:
        return seconds
    facts.append(
        f"{name}={value} is taken as milliseconds: {seconds / 1000:g} s "
        "(values below 1000 are taken as seconds, as the Python SDK does)"
    )
    return seconds / 1000


def _check_endpoint(
    given: Mapping[str, str], signal: str, protocol: Protocol, facts: list[str]
) -> None:
    found = _find(given, signal, "ENDPOINT")
    if found is None or found[1].startswith(("http://", "https://")):
        return
    name, value = found
    if protocol is Protocol.HTTP:
        raise OtlpConfigurationError(f"{name}={value}: a URL with http:// or https:// is needed")
    if _find(given, signal, "INSECURE") is None:
        facts.append(f"{name}={value} has no http://, so gRPC uses TLS")


def _metrics_facts(given: Mapping[str, str]) -> list[str]:
    facts = []
    temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    if given.get(temporality, "cumulative").lower() != "cumulative":
        facts.append(
            f"{temporality}={given[temporality]} is not followed: "
            "totals are cumulative from the start of the stream's life"
        )
    aggregation = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    exponential = "base2_exponential_bucket_histogram"
    if given.get(aggregation, exponential) != exponential:
        facts.append(
            f"{aggregation}={given[aggregation]} is not followed: "
            "ages are exponential histograms of one fixed layout"
        )
    return facts
