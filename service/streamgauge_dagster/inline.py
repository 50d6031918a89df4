"""A stream that is described in a `defs.yaml`, as the configuration that a gauge would have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamgauge.config import ConfigError, of_values
from streamgauge.config.errors import dotted
from streamgauge_dagster.asset_keys import refuse_asset_keys
from streamgauge_dagster.source import Source, with_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streamgauge_dagster.component import KafkaStreamComponent

_OF_STREAM: Final = (
    "groups",
    "checks",
    "isolation_level",
    "event_time",
    "window",
)
"""Attributes that are settings of a stream under the same name."""
_CLUSTERS: Final = ("broker", "bootstrap_servers", "event_hubs")
"""The ways to name a cluster."""
_INLINE: Final = (
    *("name", "topic", *_CLUSTERS, "kafka", "asset_key", "dead_letters", *_OF_STREAM),
    "report_every",
)
"""Attributes that describe a stream, which a gauge's file does otherwise."""


def inline_source(component: KafkaStreamComponent, environ: Mapping[str, str]) -> Source | None:
    """The configuration of one stream; None if a file describes it.

    Raises:
        ConfigError: both or neither of a file and a topic are given, or what is given is wrong; it
            is named by the attribute that it stands in.
    """
    given = list(_given(component, _INLINE))
    if component.config is not None:
        if given:
            raise ConfigError([f"{given[0]}: stands in the file that config names; remove it here"])
        return None
    if component.streams is not None:
        raise ConfigError(["streams: chooses streams of a file: name the file with config"])
    if not component.topic:
        lacks = "is missing" if component.topic is None else "is empty"
        raise ConfigError([f"topic: {lacks}: name a topic, or the gauge's file with config"])
    kafka, stream = _kafka(component), _stream(component, component.topic)
    name = component.topic if component.name is None else component.name
    values = {"kafka": kafka, "streams": {name: stream}}
    if component.report_every is not None:
        dagster = {"base_url": "http://localhost", "report_every": component.report_every}
        values["dagster"] = dagster
    attributes = dict(_attributes(component, name))
    try:
        config = of_values(values)
        refuse_asset_keys(config)
    except ConfigError as error:
        raise ConfigError(_by_attribute(error.problems, attributes)) from None
    hubs = component.event_hubs
    if hubs is None:
        return Source(config, lambda: with_secrets(kafka, environ))
    return Source(
        config,
        lambda: with_secrets(kafka | {"sasl_password": hubs.connection_string(environ)}, environ),
    )


def _stream(component: KafkaStreamComponent, topic: str) -> dict[str, Any]:
    stream: dict[str, Any] = {"topic": topic}
    if component.asset_key is not None:
        stream["asset_key"] = component.asset_key.path
    if component.dead_letters:
        stream["dead_letters"] = [
            {"topic": each.topic} | ({"asset_key": each.asset_key.path} if each.asset_key else {})
            for each in component.dead_letters
        ]
    return stream | _given(component, _OF_STREAM)


def _given(component: KafkaStreamComponent, names: Iterable[str]) -> dict[str, Any]:
    """The attributes of these names that say something."""
    values = {name: getattr(component, name) for name in names}
    return {name: value for name, value in values.items() if value not in (None, [], {})}


def _kafka(component: KafkaStreamComponent) -> dict[str, Any]:
    given = [name for name in _CLUSTERS if getattr(component, name) is not None]
    if len(given) != 1:
        told = f"give one of {', '.join(_CLUSTERS[:-1])} and {_CLUSTERS[-1]}"
        where = f"{given[1]}: stands beside {given[0]}" if given else f"{_CLUSTERS[1]}: is missing"
        raise ConfigError([f"{where}: {told}"])
    hubs, more = component.event_hubs, component.kafka
    own = (
        {"bootstrap_servers": component.broker or component.bootstrap_servers}
        if hubs is None
        else hubs.kafka()
    )
    twice = sorted(own.keys() & more.keys())
    if twice:
        raise ConfigError([f"kafka.{twice[0]}: is told by {given[0]} already; remove it here"])
    return own | more


def _attributes(component: KafkaStreamComponent, name: str) -> Iterator[tuple[str, str]]:
    """How the settings of a gauge's file are called in a `defs.yaml`, the longest first."""
    stream = dotted(("streams", name))
    cluster = next(each for each in _CLUSTERS if getattr(component, each) is not None)
    yield f"{stream}.", ""
    yield stream, "name"
    yield "kafka.bootstrap_servers", cluster
    yield "dagster.report_every", "report_every"


def _by_attribute(problems: tuple[str, ...], attributes: Mapping[str, str]) -> Iterator[str]:
    for problem in problems:
        known = (each for each in attributes if problem.startswith(each))
        setting = next(known, "")
        yield attributes.get(setting, "") + problem[len(setting) :]
