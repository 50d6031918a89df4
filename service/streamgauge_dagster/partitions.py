"""How a stream is cut into Dagster's partitions, as a project says it."""

# Dagster resolves the annotations of these fields, so they must not be turned into text.

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import Field

from streamgauge.config.durations import parse_duration
from streamgauge.config.errors import shown

KAFKA_MAX: Final = 1_000
"""Partitions of a topic: each new record in one is an event that Dagster stores."""


class Partitions(dg.Model, dg.Resolvable):
    """Either the partitions of the topic, or windows of event time."""

    kafka: Annotated[
        int | None, Field(description="Number of partitions that the topics have.")
    ] = None
    event_time: Annotated[
        Literal["hourly", "daily"] | None, Field(description="Windows of event time.")
    ] = None
    start: Annotated[
        str | None, Field(description="Day on which the first window begins, as 2026-01-31.")
    ] = None
    timezone: Annotated[str, Field(description="In which hours and days begin.")] = "UTC"
    allowed_lateness: Annotated[
        str | int, Field(description="How long after its end a window waits for late records.")
    ] = "0s"

    def problems(self) -> Iterator[str]:
        """Everything that is wrong, each with its place."""
        if (self.kafka is None) == (self.event_time is None):
            yield "partitions: give one of kafka and event_time"
        elif self.event_time is None:
            yield from self._of_kafka()
        else:
            yield from self._of_windows()

    def _of_kafka(self) -> Iterator[str]:
        if not 1 <= (self.kafka or 0) <= KAFKA_MAX:
            yield f"partitions.kafka: is {self.kafka}: give 1 to {KAFKA_MAX:,}"
        if self.start is not None:
            yield "partitions.start: partitions of a topic have none; remove it"

    def _of_windows(self) -> Iterator[str]:
        if self.start is None:
            yield "partitions.start: is missing: name the first day, such as 2026-01-31"
        elif not _is_day(self.start):
            yield f"partitions.start: {shown(self.start)} is no day: write for example 2026-01-31"
        try:
            ZoneInfo(self.timezone)
        except (ValueError, OSError, KeyError):
            told = "is no time zone: write for example Europe/Berlin"
            yield f"partitions.timezone: {shown(self.timezone)} {told}"
        try:
            parse_duration(self.allowed_lateness)
        except ValueError as error:
            yield f"partitions.allowed_lateness: {error}"


def _is_day(text: str) -> bool:
    try:
        return datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text  # noqa: DTZ007 - a day
    except ValueError:
        return False
