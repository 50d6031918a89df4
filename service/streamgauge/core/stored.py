"""What stands in the slots of one stream, for people to look at and to have forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamgauge.core.keeping import goes_on, planted
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.errors import StateError
from streamgauge.core.state.names import COUNTERS

if TYPE_CHECKING:
    from streamgauge.core.keeping import Goes, Place
    from streamgauge.core.state.partition_state import PartitionState


@dataclass(frozen=True, slots=True)
class StoredSlot:
    """One partition's slot; all is None where nothing was ever stored."""

    topic: str
    partition: int
    offset: int | None = None
    text: str | None = None
    state: PartitionState | None = None
    unreadable: str | None = None
    """Why there is no state in the text."""

    @property
    def units(self) -> int | None:
        """UTF-16 units of the text, which is what the broker limits."""
        return None if self.text is None else len(self.text.encode("utf-16-le")) // 2

    @property
    def size_bytes(self) -> int | None:
        """Bytes that the text has in the broker's log."""
        return None if self.text is None else len(self.text.encode())


def stored_slot(place: Place, committed: tuple[int, str] | None) -> StoredSlot:
    """What a slot holds.

    Args:
        place: topic and partition.
        committed: offset and text of the commit; None if there is none.
    """
    if committed is None:
        return StoredSlot(*place)
    offset, text = committed
    try:
        return StoredSlot(*place, offset, text, state=decode(text, offset))
    except StateError as error:
        return StoredSlot(*place, offset, text, unreadable=str(error))


@dataclass(frozen=True, slots=True)
class StoredStream:
    """The slots of a stream: of its topic, and of its dead letter topics."""

    slots: tuple[StoredSlot, ...]

    @property
    def going(self) -> Goes | None:
        """The life with which the next start goes on."""
        states = {(each.topic, each.partition): each.state for each in self.slots}
        return goes_on({place: state for place, state in states.items() if state is not None})

    @property
    def totals(self) -> dict[str, int]:
        """Each counter's sum over that life; all 0 without one."""
        states = self.going.states.values() if self.going else ()
        return {name: sum(getattr(state, name) for state in states) for name in COUNTERS}

    @property
    def remembered(self) -> tuple[StoredSlot, ...]:
        """Slots in which something stands that was not forgotten yet."""
        return tuple(
            each
            for each in self.slots
            if each.offset is not None and not (each.state and each.state.forgotten)
        )

    def forgetting(self, nowhere: tuple[str, int], writer: str) -> list[StoredSlot]:
        """What is to be stored so that the next start knows of nothing.

        All marks name the life that they end, so that a single one is enough to end it.

        Args:
            nowhere: identity and start (ms) of a life that stands for none, where none is readable.
            writer: a new one, so that no process takes the marks for its own.
        """
        life = (self.going.life, self.going.life_start_ms) if self.going else nowhere
        marks = []
        for slot in self.remembered:
            offset = slot.offset or 0
            topic_id = slot.state.topic_id if slot.state else None
            mark = replace(planted(topic_id, life, offset, (writer, 1)), forgotten=True)
            text = encode(mark).text
            marks.append(StoredSlot(slot.topic, slot.partition, offset, text, state=mark))
        return marks
