"""Section 8: how far groups are behind now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.state.partition_state import PresentLag
from streamgauge.core.state.sections.draft import read_group_keys, read_keys, write_keys
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from streamgauge.core.state.detail import Detail
    from streamgauge.core.state.partition_state import PartitionState
    from streamgauge.core.state.rows import Reader, Writer
    from streamgauge.core.state.sections.draft import Draft

_BOUNDS: Final = (LagBound.UNKNOWN, LagBound.EXACT, LagBound.UPPER, LagBound.LOWER)
_STATUSES: Final = (
    GroupStatus.UNKNOWN,
    GroupStatus.OK,
    GroupStatus.LAGGING,
    GroupStatus.STALLED,
    GroupStatus.STOPPED,
    GroupStatus.REWOUND,
    GroupStatus.EMPTY,
)
_CODES: Final = {
    status + 8 * lag_bound + 32 * time_lag_bound: (
        _BOUNDS[lag_bound],
        _BOUNDS[time_lag_bound],
        _STATUSES[status],
    )
    for status in range(len(_STATUSES))
    for lag_bound in range(len(_BOUNDS))
    for time_lag_bound in range(len(_BOUNDS))
}


def write_present_lags(state: PartitionState, detail: Detail, out: Writer) -> None:
    """Write the section, or as much of it as there is room for."""
    lags = state.present_lags
    places = {key: place for place, key in enumerate(state.groups) if key in lags}
    kept = places if detail.group_lags else {}
    others = [key for key in lags if key not in places and detail.other_lags]
    out.append(len(kept))
    out += bytes(kept.values())
    out.append(len(others))
    write_keys(others, out)
    written = [lags[key] for key in (*kept, *others)]
    out += bytes(map(_code, written))
    out.maybe_row(lag.lag for lag in written)
    out.maybe_row(lag.time_lag_ms for lag in written)


def read_present_lags(data: Reader, draft: Draft) -> None:
    """Read the section."""
    kept = read_group_keys(data.byte(), data, draft)
    others = read_keys(data.byte(), data)
    keys = [*kept, *others]
    codes = data.raw(len(keys))
    if not set(codes) <= _CODES.keys():
        raise data.damaged("holds a status that is unknown")
    draft.fields["present_lags"] = {
        key: PresentLag(lag, lag_bound, time_lag_ms, time_lag_bound, status)
        for key, (lag_bound, time_lag_bound, status), lag, time_lag_ms in zip(
            keys,
            map(_CODES.__getitem__, codes),
            data.maybe_row(len(keys)),
            data.maybe_row(len(keys)),
            strict=True,
        )
    }
    if len(draft.fields["present_lags"]) < len(keys):
        raise data.damaged("names a group twice")


def _code(lag: PresentLag) -> int:
    bounds = _BOUNDS.index(lag.lag_bound) + 4 * _BOUNDS.index(lag.time_lag_bound)
    return _STATUSES.index(lag.status) + 8 * bounds
