"""The wire format of a state: one table of all its sections, and how a body is made of them.

A body is sections in the order of their tags, none twice: 1 byte tag, 2 bytes length (the low one
first), content. One of nothing but zeros is left out, but for the identity. In the table "how many"
is 1 byte; "in a row" means a row of numbers (`rows.py`), with `?` of those that may be unknown; a
key, a life and a writer are 8 bytes.

| tag | section | since | content |
|-----|---------|-------|---------|
| 1 | identity | 1 | 1 byte of flags: 1 topic id known, 2 forgotten; topic id, 16 bytes if known; |
|   |          |   | life; writer; in a row life start ms, start position, position, version; |
|   |          |   | in a row? as-of ms, last record ms |
| 2 | counters | 1 | in a row those of `names.COUNTERS` |
| 3 | named counts | 1 | for each table of `names.NAMED_COUNTS`: how many codes follow; in a row |
|   |          |   | their counts, from code 0 on |
| 4 | ages     | 1 | how many histograms; in a row their sums in ms; in a row their numbers of |
|   |          |   | ages; their splits (`halving.py`): first of the arrival ages, then of the |
|   |          |   | processed ages in the order of section 6 |
| 5 | groups   | 1 | how many; keys; in a row? highest commits; in a row committed |
| 6 | processed | 2 | how many; 1 byte each: place in section 5; in a row? aged to; in a row |
|   |          |   | reprocessed; in a row unaged |
| 7 | causes   | 2 | in a row of 1 dead letters of other causes; how many causes; keys; in a row |
|   |          |   | counts; 1 byte each: length of the class name; the class names in UTF-8 |
| 8 | present lags | 2 | how many groups of section 5; 1 byte each: place there; how many others; |
|   |          |   | keys of these; of all 1 byte each: status + 8 * lag bound + 32 * time lag |
|   |          |   | bound, by their order in `present_lags.py`; in a row? lags; in a row? time |
|   |          |   | lags in ms |
| 9 | absent topics | 3 | how many; keys |
| 10 | deaths  | 4 | in a row of 1 retrying; how many groups; keys; for each cause, in the order |
|   |          |   | of section 7, 1 byte: 0 if its group is unknown, else the place of its group |
|   |          |   | among these, from 1 on; as in section 4 the sums, numbers and splits of two |
|   |          |   | histograms: ages at death, and times from append to death |

How it may change: a section that was released stays as it is, but that names may be added to a
table of names. What is new gets a tag and counts `FORMAT_VERSION` up. A text of an older format
lacks it, which counts nothing; a reader of an older format carries it on unread. Where that would
be wrong, `OLDEST_READER` counts up too and older readers refuse the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streamgauge.core.state.errors import StateDamagedError
from streamgauge.core.state.partition_state import NewerParts, PartitionState
from streamgauge.core.state.rows import Reader, Writer
from streamgauge.core.state.sections.absent_topics import (
    read_absent_topics,
    write_absent_topics,
)
from streamgauge.core.state.sections.ages import read_ages, write_ages
from streamgauge.core.state.sections.causes import read_causes, write_causes
from streamgauge.core.state.sections.counters import (
    read_counters,
    read_named_counts,
    write_counters,
    write_named_counts,
)
from streamgauge.core.state.sections.deaths import read_deaths, write_deaths
from streamgauge.core.state.sections.draft import Draft
from streamgauge.core.state.sections.groups import (
    read_groups,
    read_processed,
    write_groups,
    write_processed,
)
from streamgauge.core.state.sections.identity import read_identity, write_identity
from streamgauge.core.state.sections.present_lags import read_present_lags, write_present_lags

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.frame import Framed

FORMAT_VERSION: Final = 4
"""The format that is written here."""
OLDEST_READER: Final = 2
"""The oldest format whose readers may go on from what is written here."""


IDENTITY: Final = 1


class Section(NamedTuple):
    """One section that this version knows."""

    name: str
    write: Callable[[PartitionState, Detail, Writer], None]
    read: Callable[[Reader, Draft], None]


SECTIONS: Final = {
    IDENTITY: Section("identity", write_identity, read_identity),
    2: Section("counters", write_counters, read_counters),
    3: Section("named counts", write_named_counts, read_named_counts),
    4: Section("ages", write_ages, read_ages),
    5: Section("groups", write_groups, read_groups),
    6: Section("processed", write_processed, read_processed),
    7: Section("causes", write_causes, read_causes),
    8: Section("present lags", write_present_lags, read_present_lags),
    9: Section("absent topics", write_absent_topics, read_absent_topics),
    10: Section("deaths", write_deaths, read_deaths),
}
"""By tag, in the order in which they are read."""


def write_body(state: PartitionState, detail: Detail) -> bytes:
    """All sections of a state, those of newer versions too."""
    sections = dict(state.newer.sections) if state.newer else {}
    for tag, section in SECTIONS.items():
        content = Writer()
        section.write(state, detail, content)
        if tag == IDENTITY or any(content):
            sections[tag] = bytes(content)
    return b"".join(
        bytes((tag,)) + len(content).to_bytes(2, "little") + content
        for tag, content in sorted(sections.items())
    )


def read_body(content: Framed) -> PartitionState:
    """The state that a body holds.

    Raises:
        StateDamagedError: saying what is wrong.
    """
    version, reader, body = content
    sections = _split(body)
    unknown = sections.keys() - SECTIONS.keys()
    if version <= FORMAT_VERSION and unknown:
        raise StateDamagedError(f"a state of format {version} has no sections {sorted(unknown)}")
    try:
        fields = _read(sections)
        if version > FORMAT_VERSION:
            newer = tuple((tag, sections[tag]) for tag in sorted(unknown))
            fields["newer"] = NewerParts(version, reader, newer)
        return PartitionState(**fields)
    except StateDamagedError:
        raise
    except ValueError as error:
        raise StateDamagedError(f"the state holds what cannot be: {error}") from error


def _read(sections: dict[int, bytes]) -> dict[str, Any]:
    """The fields of the state."""
    draft = Draft()
    for tag, section in SECTIONS.items():
        if tag in sections:
            data = Reader(sections[tag], f"section {tag} ({section.name})")
            section.read(data, draft)
            if not data.at_end:
                raise data.damaged("goes on after its end")
    if draft.processed_ages or IDENTITY not in sections:
        raise StateDamagedError("the state lacks a section")
    return draft.fields


def _split(body: bytes) -> dict[int, bytes]:
    """The content of each section by tag."""
    data, sections, last = Reader(body, "the row of sections"), {}, 0
    while not data.at_end:
        tag, size = data.byte(), int.from_bytes(data.raw(2), "little")
        if tag <= last:
            raise data.damaged(f"has section {tag} after section {last}")
        sections[tag], last = data.raw(size), tag
    return sections
