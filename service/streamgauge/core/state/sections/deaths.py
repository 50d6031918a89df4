"""Section 10: what is kept of dead letters beside how many there are of each cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge.core.state.sections.draft import read_keys, write_keys
from streamgauge.core.state.sections.histograms import read_histograms, write_histograms

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft


def write_deaths(state: PartitionState, _: Detail, out: Writer) -> None:
    """Write the section; nothing but zeros where there is nothing to say."""
    groups = [cause.group for cause in state.causes.values()]
    known = list(dict.fromkeys(group for group in groups if group is not None))
    out.row([state.retrying])
    out.append(len(known))
    write_keys(known, out)
    out += bytes(0 if group is None else known.index(group) + 1 for group in groups)
    write_histograms((state.death_ages, state.append_to_death), out)


def read_deaths(data: Reader, draft: Draft) -> None:
    """Read the section, after that of the causes."""
    draft.fields["retrying"] = data.row(1)[0]
    known = read_keys(data.byte(), data)
    causes = draft.fields.get("causes", {})
    places = data.raw(len(causes))
    if max(places, default=0) > len(known):
        raise data.damaged(f"names the groups {list(places)} of {len(known)}")
    draft.fields["causes"] = {
        key: cause._replace(group=known[place - 1] if place else None)
        for (key, cause), place in zip(causes.items(), places, strict=True)
    }
    draft.fields["death_ages"], draft.fields["append_to_death"] = read_histograms(2, data)
