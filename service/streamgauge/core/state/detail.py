"""What is left out, and in what order, of a state whose text would be too long: never a count.

All counts fit within the limits of `limits.py`, and so does all detail of a usual state; that of a
dead letter partition always does, for it has no groups. Where it does not, the least needed goes
first: the present lags of groups that are not kept, then the class names that a key still stands
for, and last the present lags of the groups that are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamgauge.core.state.limits import CLASS_NAME_BYTES

if TYPE_CHECKING:
    from streamgauge.core.state.partition_state import PartitionState


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How much detail found no room."""

    present_lags: int = 0
    class_names: int = 0
    """Class names of causes that were cut short or dropped."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of what is not a count is written."""

    other_lags: bool
    """Present lags of groups that are not kept."""
    class_name_bytes: int
    """What is left of a cause's class name: its end."""
    group_lags: bool
    """Present lags of the groups that are kept."""

    def left_out(self, state: PartitionState) -> LeftOut:
        """What a state has beyond this."""
        kept = state.present_lags.keys() & state.groups.keys()
        others = len(state.present_lags) - len(kept)
        names = [each.class_name.encode() for each in state.causes.values()]
        return LeftOut(
            present_lags=(0 if self.group_lags else len(kept)) + (0 if self.other_lags else others),
            class_names=sum(len(name) > self.class_name_bytes for name in names),
        )


LADDER: Final = (
    Detail(other_lags=True, class_name_bytes=CLASS_NAME_BYTES, group_lags=True),
    Detail(other_lags=False, class_name_bytes=CLASS_NAME_BYTES, group_lags=True),
    Detail(other_lags=False, class_name_bytes=24, group_lags=True),
    Detail(other_lags=False, class_name_bytes=0, group_lags=True),
    Detail(other_lags=False, class_name_bytes=0, group_lags=False),
)
"""From all detail to none."""
