"""`group_status`: what each watched consumer group is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.policy import Check, Judges, Limit, Measure, Policy
from streamgauge.core.checks.worst_group import of_worst_group
from streamgauge.model import GroupStatus

if TYPE_CHECKING:
    from streamgauge.core.checks.worst_group import SeenGroup

SEVERITIES: Final = (
    GroupStatus.OK,
    GroupStatus.LAGGING,
    GroupStatus.REWOUND,
    GroupStatus.STALLED,
    GroupStatus.STOPPED,
)
"""From best to worst; the measured value is the position here. EMPTY and UNKNOWN are no value."""


def _of_group(seen: SeenGroup) -> Measure:
    """How bad it is; `for` is in the status already."""
    status, reason, blind = seen.view.status, seen.view.status_reason, seen.blind
    if status is GroupStatus.UNKNOWN and blind is None:
        blind = seen.not_known(reason, seen.view.status_since_ms)
    value = SEVERITIES.index(status) if status in SEVERITIES else None
    return Measure(f"{seen.name} is {status}: {reason}", value, blind)


GROUP_STATUS = Check(
    name="group_status",
    judges=Judges.GROUPS,
    unit="severity",
    description="Status of a consumer group, as its severity: "
    + ", ".join(f"{status} {severity}" for severity, status in enumerate(SEVERITIES))
    + ".",
    default=Policy(
        warn=Limit(above=SEVERITIES.index(GroupStatus.OK)),
        fail=Limit(above=SEVERITIES.index(GroupStatus.REWOUND)),
        keep_failing_for_ms=120_000,
    ),
    measure=of_worst_group(_of_group),
    names=tuple(status.value for status in SEVERITIES),
)
