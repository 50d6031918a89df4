"""Section 1: which life, which log, how far, and who wrote it when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft

_TOPIC_ID_KNOWN: Final = 1
_FORGOTTEN: Final = 2


def write_identity(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write the section."""
    known = 0 if state.topic_id is None else _TOPIC_ID_KNOWN
    out.append(known | (_FORGOTTEN if state.forgotten else 0))
    if state.topic_id is not None:
        out += state.topic_id.bytes
    out += bytes.fromhex(state.life + state.writer)
    out.row((state.life_start_ms, state.start_position, state.position, state.version))
    out.maybe_row((state.as_of_ms, state.last_record_ms))


def read_identity(data: Reader, draft: Draft) -> None:
    """Read the section."""
    flags = data.byte()
    if flags & ~(_TOPIC_ID_KNOWN | _FORGOTTEN):
        raise data.damaged(f"has the unknown flags {flags}")
    topic_id = UUID(bytes=data.raw(16)) if flags & _TOPIC_ID_KNOWN else None
    life, writer = data.raw(8).hex(), data.raw(8).hex()
    life_start_ms, start_position, position, version = data.row(4)
    as_of_ms, last_record_ms = data.maybe_row(2)
    draft.fields |= {
        "topic_id": topic_id,
        "forgotten": bool(flags & _FORGOTTEN),
        "life": life,
        "life_start_ms": life_start_ms,
        "start_position": start_position,
        "position": position,
        "writer": writer,
        "version": version,
        "as_of_ms": as_of_ms,
        "last_record_ms": last_record_ms,
    }
