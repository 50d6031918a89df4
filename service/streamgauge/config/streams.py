"""The `streams` section: which topics are watched, for whom and by which rules."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from streamgauge.config.asset_keys import asset_key_of
from streamgauge.config.checks import Checks
from streamgauge.config.dead_letters import DeadLetters
from streamgauge.config.durations import Duration, duration, format_duration
from streamgauge.config.errors import KeyPath, Problem, RuleError, shown
from streamgauge.config.event_time import EventTime, HeaderTime
from streamgauge.config.section import Section
from streamgauge.config.values import AssetKey, Flag, StartFrom, Text, Topic
from streamgauge.config.written import Written, WrittenError
from streamgauge.core.checks.policy import Judges
from streamgauge.core.checks.registry import CHECKS

_DAY_MS = 86_400_000
_JUDGED = {Judges.GROUPS: "groups", Judges.DEAD_LETTER_TOPICS: "dead_letters"}
"""The setting that names what a check judges."""
_USUAL_WINDOWS = ("1s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h")


def _window() -> Written:
    """A duration of whole seconds that divides the day, so that all days are cut alike."""
    any_duration = duration("1s", "1h")

    def read(value: object) -> int:
        window_ms = any_duration.read(value)
        if not isinstance(window_ms, int) or window_ms % 1000 or _DAY_MS % window_ms:
            usual = ", ".join(_USUAL_WINDOWS)
            raise WrittenError(f"{shown(value)} does not divide a day evenly: write one of {usual}")
        return window_ms

    title = "duration that divides a day evenly, 1s to 1h"
    return Written(read, {**any_duration.schema, "title": title}, format_duration)


class Stream(Section, title="streams.<name>"):
    """One topic that is watched. Its name is free, and names the state that is kept of it."""

    topic: Topic
    """The topic that is watched."""
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    """Which records count, those of aborted and open transactions too or not: as the watched groups
    read. Groups of the other level get a stream of their own."""
    start_from: StartFrom = "latest"
    """Where reading begins if no state has been stored yet."""
    keep_state: Flag = True
    """Whether what was counted is kept in Kafka, so that a restart goes on from there; else it
    lives in memory, and each start is a new life."""
    state_group: Text | None = None
    """Consumer group whose commits keep it; without it `streamgauge.<name>`. Only gauges that share
    one stream may share it: a second installation on the same brokers needs another."""
    event_time: Annotated[tuple[EventTime, ...], Field(min_length=1, max_length=10)] = (
        HeaderTime(header="event-time"),
        HeaderTime(header="ce_time"),
        "record",
    )
    """Where the time of an event is looked for; the first that has one answers."""
    groups: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    """Consumer groups that are watched: names, or patterns with `*` and `?`."""
    dead_letters: Annotated[tuple[DeadLetters, ...], Field(max_length=20)] = ()
    """Topics where records end that could not be processed."""
    status_for_ms: Duration | None = None
    """How long a group must stand or be rewound until its status says so; without it the longer one
    of 30 s and three times the interval at which the group commits, and up to 15 minutes until that
    is known. To fall behind takes at least 30 s."""
    window_ms: Annotated[int, _window()] = 60_000
    """Length of the windows in which rates and ages are told."""
    asset_key: AssetKey = Field(default_factory=asset_key_of)
    """Dagster asset that stands for the topic; without it `[kafka, <topic>]`, where each
    character outside `A-Z a-z 0-9 _` is `_`."""
    report_materializations: Flag = False
    """Whether Dagster is also told of new records as a materialization of the asset, which its
    freshness policies look at. Dagster+ counts each towards the credits, at most one for each
    `report_every`."""
    checks: Checks = Checks()
    """What is demanded of the stream, where it differs from the defaults of the checks."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        problems = [
            *_event_time_problems(self),
            *_group_problems(self),
            *_dead_letter_problems(self),
            *_check_problems(self),
        ]
        if problems:
            raise RuleError(problems)
        return self


def _event_time_problems(stream: Stream) -> Iterator[Problem]:
    seen = []
    for position, entry in enumerate(stream.event_time):
        if entry == "record" and position < len(stream.event_time) - 1:
            told = "record must be the last entry: every record has a timestamp"
            yield Problem(("event_time", position), told)
        elif entry in seen:
            yield Problem(("event_time", position), "stands in the list already: remove it")
        seen.append(entry)


def _group_problems(stream: Stream) -> Iterator[Problem]:
    names: dict[str, str] = {}
    for position, group in enumerate(stream.groups):
        name = re.sub(r"[^A-Za-z0-9_]", "_", group)
        other = names.setdefault(name, group)
        if position == stream.groups.index(group):
            if other != group:
                told = f"{shown(group)} and {shown(other)} would give their checks the same name"
                yield Problem(("groups", position), f"{told}: give one of them its own stream")
        else:
            yield Problem(("groups", position), "stands in the list already: remove it")


def _dead_letter_problems(stream: Stream) -> Iterator[Problem]:
    topics: set[str] = set()
    for position, dead_letters in enumerate(stream.dead_letters):
        at: KeyPath = ("dead_letters", position, "topic")
        if dead_letters.topic == stream.topic:
            yield Problem(at, "is the topic of the stream itself: dead letters go to another")
        elif dead_letters.topic in topics:
            yield Problem(at, "stands in the list already: remove it")
        topics.add(dead_letters.topic)


def _check_problems(stream: Stream) -> Iterator[Problem]:
    for name, needed in ((each.name, _JUDGED.get(each.judges)) for each in CHECKS):
        check = getattr(stream.checks, name)
        if needed and check is not None and check.enabled and not getattr(stream, needed):
            told = f"has nothing to judge: the stream has no {needed}"
            yield Problem(("checks", name), told)
    for name in type(stream.checks).model_fields:
        check = getattr(stream.checks, name)
        if check is not None and check.enabled and _is_milder(check.warn, check.fail):
            told = "is reached before warn, which would never be told: swap the two limits"
            yield Problem(("checks", name, "fail"), told)


def _is_milder(warn: Any, fail: Any) -> bool:  # noqa: ANN401 - limits of one kind
    """Whether `fail` is breached before `warn` is, where both have a bound."""
    if warn is None or fail is None:
        return False
    later = None not in (warn.above, fail.above) and warn.above > fail.above
    return later or (None not in (warn.below, fail.below) and warn.below < fail.below)
