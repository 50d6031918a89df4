"""Section 7: dead letters by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.names import class_name_end
from streamgauge.core.state.partition_state import Cause
from streamgauge.core.state.sections.draft import read_keys, write_keys

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_causes(state: PartitionState, detail: Detail, out: Writer) -> None:
    """Write the section, with as much of the class names as there is room for."""
    causes = state.causes.values()
    names = [class_name_end(each.class_name, detail.class_name_bytes).encode() for each in causes]
    out.row([state.other_causes])
    out.append(len(causes))
    write_keys(state.causes, out)
    out.row(each.dead_letters for each in causes)
    out += bytes(map(len, names))
    out += b"".join(names)


def read_causes(data: Reader, draft: Draft) -> None:
    """Read the section."""
    draft.fields["other_causes"] = data.row(1)[0]
    size = data.byte()
    keys = read_keys(size, data)
    counts, lengths = data.row(size), data.raw(size)
    try:
        names = [data.raw(length).decode() for length in lengths]
    except UnicodeDecodeError:
        raise data.damaged("holds a class name that is not UTF-8") from None
    draft.fields["causes"] = {
        key: Cause(name, count) for key, name, count in zip(keys, names, counts, strict=True)
    }
