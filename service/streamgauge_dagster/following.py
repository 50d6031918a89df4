"""What a component adds to its streams: the settings of the sensors that follow them."""

# Dagster resolves the annotations of these fields, so they must not be turned into text.

from typing import Annotated, Literal

import dagster as dg
from pydantic import Field


class FreshnessTrigger(dg.Model, dg.Resolvable):
    """Runs what is built on the stream when enough new data was reported and all is well."""

    target: Annotated[dg.ResolvedAssetKey, Field(description="The asset that is run.")]
    stream: Annotated[
        str | None, Field(description="Name of the stream; needed where there are several.")
    ] = None
    min_messages: Annotated[int, Field(description="New records that a run is worth.")] = 1
    max_lag: Annotated[
        int | None, Field(description="Records that a consumer group may have still to read.")
    ] = None
    max_time_lag_seconds: Annotated[
        float | None, Field(description="Age of the first record that is still to be read.")
    ] = None
    groups: Annotated[
        list[str], Field(description="Consumer groups whose lag that is; all without it.")
    ] = []
    checks: Annotated[
        list[str], Field(description="Checks that have to pass, of the stream or its dead letters.")
    ] = []
    accept_warnings: Annotated[bool, Field(description="Whether a check that warns will do.")] = (
        False
    )
    at_most_every_seconds: Annotated[
        float, Field(description="Time between two runs, at least.")
    ] = 0
    by_partition: Annotated[
        bool,
        Field(description="Whether each partition of the stream that has new data is run alone."),
    ] = False
    one_at_a_time: Annotated[
        bool, Field(description="Whether a run waits until the one before is done.")
    ] = True


class Alert(dg.Model, dg.Resolvable):
    """Tells a webhook when a check fails, and when it has recovered."""

    url_variable: Annotated[
        str, Field(description="Environment variable that holds the webhook's address.")
    ]
    levels: Annotated[
        list[Literal["fail", "unknown", "warn"]], Field(description="What is told.")
    ] = ["fail"]
    body: Annotated[
        Literal["json", "text"], Field(description="`text` is what Slack and its likes take.")
    ] = "json"
    dagster_url: Annotated[
        str | None, Field(description="Where people find Dagster, for a link.")
    ] = None


class Poll(dg.Model, dg.Resolvable):
    """Asks Kafka itself, where no gauge runs yet."""

    every_seconds: Annotated[int, Field(description="Time between two polls, at least.")] = 300
    answer_within_seconds: Annotated[
        float, Field(description="How long Kafka may take to answer, all in all; at most 50.")
    ] = 20


class Following(dg.Model, dg.Resolvable):
    """The sensors of a component; each runs once it is turned on, or at once."""

    name: Annotated[
        str | None,
        Field(description="What the names of sensors of all streams begin with; else the first's."),
    ] = None
    observations: Annotated[
        bool | None,
        Field(description="Tell reports again with types, and fail gauge_reporting in silence."),
    ] = None
    poll: Annotated[
        Poll | None, Field(description="Poll Kafka in place of a gauge; not without it.")
    ] = None
    freshness_triggers: Annotated[
        list[FreshnessTrigger], Field(description="What is run on new data.")
    ] = []
    alert: Annotated[Alert | None, Field(description="Where failing checks are told.")] = None
    running: Annotated[
        bool, Field(description="Whether the sensors run before somebody turns them on.")
    ] = False

    @property
    def observes(self) -> bool:
        """Whether reports are told again: so unless it is refused, or there is no gauge."""
        return self.poll is None if self.observations is None else self.observations

    @property
    def judges_silence(self) -> bool:
        """Whether one of them evaluates `gauge_reporting`."""
        return self.observes or self.poll is not None
