"""Sections 2 and 3: the counts that stand alone, and those that have a name each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.names import CODES, COUNTERS, NAMED_COUNTS, code_of, name_of

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_counters(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write section 2."""
    out.row(getattr(state, name) for name in COUNTERS)


def read_counters(data: Reader, draft: Draft) -> None:
    """Read section 2."""
    draft.fields |= zip(COUNTERS, data.row(len(COUNTERS)), strict=True)


def write_named_counts(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write section 3."""
    for table, names in NAMED_COUNTS.items():
        codes = [(code_of(name, names), count) for name, count in getattr(state, table).items()]
        by_code = {code: count for code, count in codes if code is not None and count}
        size = max(by_code, default=-1) + 1
        out.append(size)
        out.row(by_code.get(code, 0) for code in range(size))


def read_named_counts(data: Reader, draft: Draft) -> None:
    """Read section 3."""
    for table, names in NAMED_COUNTS.items():
        codes = data.byte()
        if codes > CODES:
            raise data.damaged(f"says that {table} has {codes} names")
        counts = enumerate(data.row(codes))
        draft.fields[table] = {name_of(code, names): count for code, count in counts if count}
