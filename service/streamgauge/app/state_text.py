"""How stored state reads: as text for people, and as JSON for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamgauge.app.table import table
from streamgauge.core.wording import moment, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamgauge.app.state_command import StreamState
    from streamgauge.core.stored import StoredSlot
    from streamgauge.kafka.start import StartFrom

HEADS: Final = (
    "topic",
    "partition",
    "position",
    "records",
    "dead letters",
    "as of",
    "life",
    "written by",
    "size",
)


def as_text(seen: Sequence[StreamState]) -> str:
    """The streams one after the other, with a table of their partitions each."""
    return "\n\n".join("\n".join(_stream_lines(state)) for state in seen)


def as_json(seen: Sequence[StreamState]) -> dict[str, Any]:
    """All that is told of the streams; null is what is not known or not stored."""
    return {"streams": {state.stream: _stream_json(state) for state in seen}}


def what_is_forgotten(state: StreamState) -> str:
    """One sentence with the numbers that a reset would forget."""
    slots = state.stored.remembered
    if not slots:
        return f"stream {state.stream}: nothing is stored in group {state.group}"
    unreadable = sum(slot.unreadable is not None for slot in slots)
    also = f", {unreadable} of them unreadable" if unreadable else ""
    return (
        f"stream {state.stream}: {_sums(state)} on {_many(len(slots), 'partition')}{also}, stored "
        f"in group {state.group}, will be forgotten"
    )


def what_comes_now(state: StreamState) -> str:
    """One sentence after a reset."""
    begins = _worded(state.start_from)
    return f"stream {state.stream}: forgotten; the next start begins a new life at {begins}"


def _stream_lines(state: StreamState) -> Iterator[str]:
    yield f"{state.stream}: group {state.group}, {_who_lives(state)}"
    going = state.stored.going
    if going is not None:
        yield f"  life {going.life} since {moment(going.life_start_ms)}: {_sums(state)}"
    else:
        yield "  no life to go on with"
    for topic in state.absent_topics:
        yield f"  topic {topic} does not exist"
    if state.stored.slots:
        yield from table([HEADS, *map(_cells, state.stored.slots)])


def _who_lives(state: StreamState) -> str:
    if not state.members:
        return "no member lives"
    who = ", ".join(f"{each.client_id} at {each.host}" for each in state.members)
    return f"{_many(len(state.members), 'live member')} ({who})"


def _cells(slot: StoredSlot) -> tuple[str, ...]:
    """A row of the table; one that says something in words is shorter."""
    place = (slot.topic, str(slot.partition))
    if slot.offset is None:
        return (*place, "-", "nothing is stored")
    position, state = str(slot.offset), slot.state
    size = f"{slot.units} units, {slot.size_bytes} bytes"
    if state is None:
        return (*place, position, f"unreadable: {slot.unreadable} ({size})")
    if state.forgotten:
        return (*place, position, f"forgotten ({size})")
    return (
        *place,
        position,
        number(state.records),
        number(state.dead_letters),
        moment(state.as_of_ms),
        state.life,
        f"{state.writer} {state.version}",
        size,
    )


def _stream_json(state: StreamState) -> dict[str, Any]:
    going = state.stored.going
    return {
        "group": state.group,
        "members": [{"client_id": each.client_id, "host": each.host} for each in state.members],
        "life": going and going.life,
        "life_start_ms": going and going.life_start_ms,
        "totals": state.stored.totals,
        "absent_topics": list(state.absent_topics),
        "partitions": [_slot_json(slot) for slot in state.stored.slots],
    }


def _slot_json(slot: StoredSlot) -> dict[str, Any]:
    state = slot.state
    return {
        "topic": slot.topic,
        "partition": slot.partition,
        "position": slot.offset,
        "units": slot.units,
        "bytes": slot.size_bytes,
        "unreadable": slot.unreadable,
        "state": state
        and {
            "forgotten": state.forgotten,
            "topic_id": state.topic_id and str(state.topic_id),
            "life": state.life,
            "life_start_ms": state.life_start_ms,
            "start_position": state.start_position,
            "records": state.records,
            "dead_letters": state.dead_letters,
            "as_of_ms": state.as_of_ms,
            "last_record_ms": state.last_record_ms,
            "writer": state.writer,
            "version": state.version,
        },
    }


def _sums(state: StreamState) -> str:
    totals = state.stored.totals
    return (
        f"{_many(totals['records'], 'record')} and {_many(totals['dead_letters'], 'dead letter')}"
    )


def _many(count: int, what: str) -> str:
    return f"{number(count)} {what}" + ("" if count == 1 else "s")


def _worded(start_from: StartFrom) -> str:
    if isinstance(start_from, str):
        return f"`start_from` ({start_from})"
    return f"`start_from` ({moment(start_from)})"
