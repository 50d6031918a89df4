"""The component `KafkaStreamComponent`: streams in a `defs.yaml`."""

# Dagster resolves the annotations of a component's fields, so they must not be turned into text.

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import dagster as dg
from pydantic import Field

from streamgauge_dagster.definitions import definitions_of
from streamgauge_dagster.event_hubs import EventHubs
from streamgauge_dagster.following import Following
from streamgauge_dagster.inline import inline_source
from streamgauge_dagster.partitions import Partitions
from streamgauge_dagster.presentation import DEFAULT_KINDS, Presentation
from streamgauge_dagster.scaffolder import KafkaStreamScaffolder
from streamgauge_dagster.source import file_source


class DeadLetters(dg.Model, dg.Resolvable):
    """A dead letter topic of the stream."""

    topic: Annotated[str, Field(description="The dead letter topic.")]
    asset_key: Annotated[
        dg.ResolvedAssetKey | None,
        Field(description="Its asset; without it `kafka/<topic>`, `_` for other characters."),
    ] = None


@dg.scaffold_with(KafkaStreamScaffolder)
class KafkaStreamComponent(dg.Component, dg.Model, dg.Resolvable):
    """A Kafka stream, its dead letter topics and their checks, as streamgauge reports them.

    Either `config` names the gauge's own file, so that one file feeds both, or `topic` and what
    else a stream has stand here.
    """

    config: Annotated[
        str | None,
        Field(description="The gauge's own file; relative to the folder of this defs.yaml."),
    ] = None
    streams: Annotated[
        list[str] | None, Field(description="Streams of that file; all without it.")
    ] = None

    name: Annotated[
        str | None, Field(description="Name of the stream in the gauge; without it the topic's.")
    ] = None
    topic: Annotated[str | None, Field(description="The topic that is watched.")] = None
    broker: Annotated[str | None, Field(description="host:port of the broker.")] = None
    bootstrap_servers: Annotated[
        str | list[str] | None, Field(description="host:port of several brokers.")
    ] = None
    event_hubs: Annotated[
        EventHubs | None, Field(description="Azure Event Hubs in place of brokers.")
    ] = None
    kafka: Annotated[
        dict[str, Any],
        Field(description="How brokers are reached, as in the gauge's file; only polls need it."),
    ] = {}
    asset_key: Annotated[
        dg.ResolvedAssetKey | None,
        Field(description="Its asset; without it `kafka/<topic>`, `_` for other characters."),
    ] = None
    groups: Annotated[
        list[str], Field(description="Consumer groups: names, or patterns with * and ?.")
    ] = []
    dead_letters: Annotated[
        list[DeadLetters], Field(description="Topics where records end that failed.")
    ] = []
    checks: Annotated[
        dict[str, Any], Field(description="Checks where they differ, as in the gauge's file.")
    ] = {}
    isolation_level: Annotated[
        Literal["read_committed", "read_uncommitted"] | None,
        Field(description="Which records count, as in the gauge's file."),
    ] = None
    event_time: Annotated[
        list[Any], Field(description="Where event times are found, as in the gauge's file.")
    ] = []
    window: Annotated[
        str | int | None, Field(description="Length of the windows, as in the gauge's file.")
    ] = None
    report_every: Annotated[
        str | int | None, Field(description="How often the gauge reports, such as `5m`.")
    ] = None

    group_name: Annotated[str, Field(description="Dagster's group of the assets.")] = "streams"
    owners: Annotated[list[str], Field(description="E-mail addresses, or `team:<name>`.")] = []
    tags: Annotated[dict[str, str], Field(description="Tags of the assets.")] = {}
    kinds: Annotated[list[str], Field(description="Kinds of the assets.")] = list(DEFAULT_KINDS)
    description: Annotated[
        str | None, Field(description="Stands before what the numbers mean.")
    ] = None
    cluster: Annotated[str | None, Field(description="What people call the Kafka cluster.")] = None
    upstream: Annotated[
        list[dg.ResolvedAssetKey], Field(description="Assets that write the streams.")
    ] = []
    downstream: Annotated[
        list[dg.ResolvedAssetKey],
        Field(description="Assets built on the streams that nothing else in the project defines."),
    ] = []
    links: Annotated[
        dict[str, str],
        Field(description="Addresses by name, such as runbook, dashboard, traces."),
    ] = {}
    partitions: Annotated[
        Partitions | None,
        Field(description="Cuts each stream into Dagster's partitions, in an asset beside it."),
    ] = None
    observable: Annotated[
        bool,
        Field(description="Whether Dagster may observe the assets and automation starts on them."),
    ] = True
    blocking: Annotated[
        list[str], Field(description="Checks that automation may wait for, by name.")
    ] = []
    sensors: Annotated[
        Following | None, Field(description="Sensors that follow the streams; none without it.")
    ] = None
    silent_after_seconds: Annotated[
        float | None, Field(description="Age from which on a report is no pass any more.")
    ] = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Observable assets and their checks, and sensors where they are wanted.

        Raises:
            ConfigError: everything that is wrong with the configuration.
        """
        cluster = self.cluster
        if cluster is None and self.event_hubs is not None:
            cluster = self.event_hubs.cluster
        look = Presentation(
            group_name=self.group_name,
            owners=self.owners,
            tags=self.tags,
            kinds=self.kinds,
            description=self.description,
            cluster=cluster,
            upstream=self.upstream,
            downstream=self.downstream,
            links=self.links,
            observable=self.observable,
            partitions=self.partitions,
            blocking=self.blocking,
        )
        source = inline_source(self, os.environ)
        if source is None:
            source = file_source(Path(context.path) / str(self.config), os.environ)
        return definitions_of(
            source,
            look,
            streams=self.streams,
            silent_after_seconds=self.silent_after_seconds,
            following=self.sensors,
        )
