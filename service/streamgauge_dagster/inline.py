"""A stream that is described in a `defs.yaml`, as the configuration that a gauge would have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamgauge.config import ConfigError, of_values

if TYPE_CHECKING:
    from streamgauge.config import Config
    from streamgauge_dagster.component import KafkaStreamComponent

_INLINE: Final = (
    "name",
    "topic",
    "bootstrap_servers",
    "event_hubs",
    "asset_key",
    "groups",
    "dead_letters",
    "checks",
    "report_every",
)
"""Attributes that describe a stream, which a gauge's file does otherwise."""
EVENT_HUBS_PORT: Final = 9093
"""Of the Kafka endpoint (learn.microsoft.com, "Azure Event Hubs for Apache Kafka")."""


def inline_configuration(component: KafkaStreamComponent) -> Config | None:
    """The configuration of one stream; None if a file describes it.

    Raises:
        ConfigError: both or neither of a file and a topic are given, or what is given is wrong.
    """
    given = [name for name in _INLINE if getattr(component, name)]
    if component.config is not None:
        if given:
            raise ConfigError([f"{given[0]}: stands in the file that config names; remove it here"])
        return None
    if component.streams is not None:
        raise ConfigError(["streams: chooses streams of a file: name the file with config"])
    if component.topic is None:
        raise ConfigError(["topic: is missing: name a topic, or the gauge's file with config"])
    return of_values(_values(component, component.topic))


def _values(component: KafkaStreamComponent, topic: str) -> dict[str, Any]:
    letters = [
        {"topic": each.topic} | ({"asset_key": each.asset_key.path} if each.asset_key else {})
        for each in component.dead_letters
    ]
    stream: dict[str, Any] = {"topic": topic}
    if component.asset_key is not None:
        stream["asset_key"] = component.asset_key.path
    more = {"groups": component.groups, "dead_letters": letters, "checks": component.checks}
    stream |= {name: value for name, value in more.items() if value}
    values = {"kafka": _kafka(component), "streams": {component.name or topic: stream}}
    if component.report_every is not None:
        dagster = {"base_url": "http://localhost", "report_every": component.report_every}
        values["dagster"] = dagster
    return values


def _kafka(component: KafkaStreamComponent) -> dict[str, Any]:
    hubs = component.event_hubs
    if (hubs is None) == (component.bootstrap_servers is None):
        told = "give one of the two, bootstrap_servers or event_hubs"
        raise ConfigError([f"bootstrap_servers: {told}"])
    if hubs is None:
        return {"bootstrap_servers": component.bootstrap_servers}
    return {
        "bootstrap_servers": f"{hubs.namespace}.{hubs.domain}:{EVENT_HUBS_PORT}",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "$ConnectionString",
    }
