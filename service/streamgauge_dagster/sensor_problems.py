"""What a component asks of its sensors, and what of it cannot be or would have no effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from streamgauge.config.errors import shown
from streamgauge_dagster.nearest import unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import dagster as dg

    from streamgauge_dagster.following import Alert, Following, FreshnessTrigger, Poll
    from streamgauge_dagster.sensors import FollowedStream

    Streams = Mapping[str, FollowedStream]

MOST_SECONDS: Final = 50.0
"""Dagster gives up a tick after 60 s."""
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,200}")


def checks_of(following: Following, stream: FollowedStream) -> tuple[dg.AssetCheckKey, ...]:
    """The checks of a stream that sensors can ask for."""
    return stream.every_check if following.judges_silence else stream.checks


def stream_of(trigger: FreshnessTrigger, streams: Streams) -> FollowedStream:
    """The stream that it names, or the only one."""
    return streams[trigger.stream or next(iter(streams))]


def trigger_name(stream: FollowedStream, trigger: FreshnessTrigger) -> str:
    """The name of its sensor."""
    target = trigger.target.to_python_identifier()
    return f"{stream.asset_key.to_python_identifier()}_triggers_{target}"


def place_of(position: int) -> str:
    """Where a trigger stands."""
    return f"sensors.freshness_triggers[{position}]"


def sensor_problems(following: Following, streams: Streams, name: str) -> Iterator[str]:
    """Everything that is wrong, each with its place.

    Args:
        following: what is asked for.
        streams: by name, at least one.
        name: that the names of the sensors of all streams begin with.
    """
    if not _NAME.fullmatch(name):
        yield f"sensors.name: {shown(name)} is no name: write up to 200 of A-Z a-z 0-9 _"
    if following.poll is not None:
        yield from _of_poll(following.poll, following)
    if following.alert is not None:
        yield from _of_alert(following.alert)
    for position, trigger in enumerate(following.freshness_triggers):
        yield from _of_trigger(place_of(position), trigger, following, streams)
    yield from _twice(following.freshness_triggers, streams)


def _of_poll(poll: Poll, following: Following) -> Iterator[str]:
    if following.observations:
        told = "has nothing to tell again: a poll is typed already; remove one of the two"
        yield f"sensors.observations: {told}"
    if poll.every_seconds < 1:
        yield f"sensors.poll.every_seconds: is {poll.every_seconds}: give 1 or more"
    if not 0 < poll.answer_within_seconds <= MOST_SECONDS:
        told = f"is {poll.answer_within_seconds:g}: give more than 0, at most {MOST_SECONDS:g}"
        yield f"sensors.poll.answer_within_seconds: {told}"


def _of_alert(alert: Alert) -> Iterator[str]:
    if not alert.url_variable.isidentifier():
        told = f"{shown(alert.url_variable)} is no name of an environment variable"
        yield f"sensors.alert.url_variable: {told}"
    if not alert.levels:
        yield "sensors.alert.levels: is empty: name at least one of fail, unknown and warn"


def _of_trigger(
    where: str, trigger: FreshnessTrigger, following: Following, streams: Streams
) -> Iterator[str]:
    if trigger.stream is None and len(streams) > 1:
        yield f"{where}.stream: is missing: name one of {', '.join(streams)}"
        return
    if trigger.stream is not None and trigger.stream not in streams:
        yield f"{where}.stream: {unknown_name(trigger.stream, 'stream', streams)}"
        return
    stream = stream_of(trigger, streams)
    held = stream.partitions
    if trigger.by_partition:
        yield from _by_partition(where, trigger, cut=held is not None)
    if trigger.target in stream.assets or (held and trigger.target == held.asset_key):
        told = "is the stream itself, which nothing can run: name what is built on it"
        yield f"{where}.target: {told}"
    known = [key.name for key in checks_of(following, stream)]
    for check in trigger.checks:
        if check not in known:
            yield f"{where}.checks: {unknown_name(check, 'check of the stream', known)}"


def _by_partition(where: str, trigger: FreshnessTrigger, *, cut: bool) -> Iterator[str]:
    if not cut:
        yield f"{where}.by_partition: the streams have no partitions: give the component partitions"
    for name in ("min_messages", "at_most_every_seconds"):
        if getattr(trigger, name) != type(trigger).model_fields[name].default:
            yield f"{where}.{name}: has no effect with by_partition; remove one of the two"


def _twice(triggers: Sequence[FreshnessTrigger], streams: Streams) -> Iterator[str]:
    """Triggers whose sensors Dagster could not tell apart."""
    first: dict[str, int] = {}
    for position, trigger in enumerate(triggers):
        if trigger.stream not in streams and (trigger.stream or len(streams) > 1):
            continue  # which is told of already
        stream = stream_of(trigger, streams)
        name = trigger_name(stream, trigger)
        other = first.setdefault(name, position)
        if other == position:
            continue
        if (stream_of(triggers[other], streams), triggers[other].target) == (
            stream,
            trigger.target,
        ):
            told = "stands in the list already: remove it"
        else:
            told = (
                f"its sensor would have the name of that of {place_of(other)}, {name}: "
                "give one of the two assets another name"
            )
        yield f"{place_of(position)}.target: {told}"
