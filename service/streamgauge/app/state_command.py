"""What `streamgauge state` does: read the slots of every stream, and have them forgotten."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.app import settings
from streamgauge.app.context import new_life
from streamgauge.config.errors import hint
from streamgauge.core.stored import StoredSlot, StoredStream, stored_slot
from streamgauge.kafka.answers import Absent, Forbidden, read_topic
from streamgauge.kafka.clock import wall_clock_ms
from streamgauge.kafka.errors import BrokersUnavailableError, KafkaAccessError
from streamgauge.kafka.protocol.topic_metadata import TopicMetadata
from streamgauge.kafka.slots import Fate, Slot
from streamgauge.kafka.state_group import Member, StateGroup
from streamgauge.kafka.unreachable import explained
from streamgauge.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from streamgauge.config.settings import Config
    from streamgauge.kafka.slots import Answer
    from streamgauge.kafka.start import StartFrom


class StateCommandError(Exception):
    """What was asked cannot be done; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What is stored of one stream, and who may be writing there."""

    stream: str
    group: str
    start_from: StartFrom
    members: tuple[Member, ...]
    absent_topics: tuple[str, ...]
    """Configured topics that do not exist."""
    stored: StoredStream


@dataclass(frozen=True, slots=True)
class _Asked:
    """One stream as it is configured."""

    stream: str
    group: str
    start_from: StartFrom
    topics: tuple[str, ...]


async def look(config: Config, only: str | None = None) -> list[StreamState]:
    """Read what is stored of the streams; needs the right to read group and topics.

    Args:
        config: whose streams these are.
        only: name of the one stream that is looked at; None: all.

    Raises:
        StateCommandError: if there is no such stream, or Kafka does not say.
    """
    asked = _asked(config, only)
    async with _connected(config) as wire:
        return [await _look(wire, each) for each in asked]


async def look_to_forget(config: Config, only: str | None = None) -> list[StreamState]:
    """The same, but nothing may be forgotten under the hands of a gauge.

    Raises:
        StateCommandError: as `look`, and if a member lives.
    """
    seen = await look(config, only)
    for each in seen:
        if each.members:
            raise StateCommandError(_lives(each))
    return seen


async def forget(config: Config, seen: Sequence[StreamState]) -> None:
    """Mark every slot in which something stands as forgotten.

    Raises:
        StateCommandError: if a member has come meanwhile, or Kafka refuses or does not say.
    """
    async with _connected(config) as wire:
        for each in seen:
            marks = each.stored.forgetting((new_life(), wall_clock_ms()), new_life())
            slots = [_slot(mark) for mark in marks]
            _judge(each, await StateGroup(wire, each.group).commit(slots) if slots else {})


def _asked(config: Config, only: str | None) -> list[_Asked]:
    if only is not None and only not in config.streams:
        raise StateCommandError(f"no stream is named {only}; {hint(only, config.streams)}")
    found = [
        _Asked(
            policy.name,
            how.state_group,
            how.start_from,
            (policy.topic, *(each.topic for each in policy.dead_letters)),
        )
        for policy, how in settings.streams(config)
        if only in {None, policy.name} and how.state_group is not None
    ]
    if not found:
        whose = "every stream" if only is None else f"stream {only}"
        told = "has keep_state: false, so that what it counts lives in memory"
        raise StateCommandError(f"{whose} {told}")
    return found


@contextlib.asynccontextmanager
async def _connected(config: Config) -> AsyncIterator[Wire]:
    """A connection; whatever goes wrong with it becomes one sentence."""
    connection = settings.connection(config.kafka)
    wire = Wire(connection)
    try:
        try:
            await wire.open()
        except BrokersUnavailableError as error:
            raise await explained(connection, error) from error
        yield wire
    except KafkaAccessError as error:
        sentence = "; ".join(line.strip() for line in str(error).splitlines())
        raise StateCommandError(sentence) from error
    finally:
        await wire.close()


async def _look(wire: Wire, asked: _Asked) -> StreamState:
    places: list[tuple[str, int]] = []
    absent = []
    for topic in asked.topics:
        wire.watch(topic)
        state = read_topic(await wire.send_to_any(TopicMetadata(topic)), topic)
        if isinstance(state, Forbidden):
            raise StateCommandError(
                f"stream {asked.stream}: the right {state.right} is missing; grant it"
            )
        if isinstance(state, Absent):
            absent.append(topic)
        else:
            places += [(topic, partition) for partition in state.partitions]
    group = StateGroup(wire, asked.group)
    members = await group.members()
    slots = await group.read(places)
    committed = {place: (slot.offset, slot.text) for place, slot in slots.items()}
    stored = StoredStream(tuple(stored_slot(place, committed.get(place)) for place in places))
    return StreamState(
        stream=asked.stream,
        group=asked.group,
        start_from=asked.start_from,
        members=members,
        absent_topics=tuple(absent),
        stored=stored,
    )


def _slot(mark: StoredSlot) -> Slot:
    return Slot(mark.topic, mark.partition, mark.offset or 0, mark.text or "")


def _judge(state: StreamState, answers: Mapping[tuple[str, int], Answer]) -> None:
    for (topic, partition), answer in answers.items():
        match answer.fate:
            case Fate.STORED:
                continue
            case Fate.FENCED | Fate.REBALANCING:
                raise StateCommandError(_lives(state))
            case Fate.FORBIDDEN:
                raise StateCommandError(
                    f"stream {state.stream}: the right READ on group {state.group} and on topic "
                    f"{topic} is missing; grant it"
                )
            case _:
                raise StateCommandError(
                    f"stream {state.stream}: the mark of partition {partition} of {topic} is "
                    f"{answer.fate.value}: {answer.reason}; look with `streamgauge state`, and "
                    "reset again"
                )


def _lives(state: StreamState) -> str:
    """Why nothing is forgotten now, and what to do about it."""
    who = "".join(f" ({each.client_id} at {each.host})" for each in state.members[:1])
    return (
        f"stream {state.stream} was not forgotten: group {state.group} has a live member{who}; "
        "stop its gauges first, and after a kill wait until its session ends (6 s)"
    )
