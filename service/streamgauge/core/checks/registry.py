"""The checks of this release; a new one is its module, its table test and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.checks.arrival_age import ARRIVAL_AGE
from streamgauge.core.checks.data_loss import DATA_LOSS
from streamgauge.core.checks.dead_letter_share import DEAD_LETTER_SHARE
from streamgauge.core.checks.forecast import FORECAST
from streamgauge.core.checks.fresh import FRESH
from streamgauge.core.checks.group_status import GROUP_STATUS
from streamgauge.core.checks.lag import LAG
from streamgauge.core.checks.no_dead_letters import NO_DEAD_LETTERS
from streamgauge.core.checks.no_new_cause import NO_NEW_CAUSE
from streamgauge.core.checks.processed_age import PROCESSED_AGE
from streamgauge.core.checks.throughput import THROUGHPUT
from streamgauge.core.checks.time_lag import TIME_LAG

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Check

CHECKS: Final[tuple[Check, ...]] = (
    NO_DEAD_LETTERS,
    NO_NEW_CAUSE,
    DEAD_LETTER_SHARE,
    DATA_LOSS,
    FRESH,
    ARRIVAL_AGE,
    GROUP_STATUS,
    TIME_LAG,
    LAG,
    PROCESSED_AGE,
    FORECAST,
    THROUGHPUT,
)
"""In the order in which their verdicts are told: what has died comes first."""
