"""What happens to topics and groups, one scenario after another; each plays beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import backlogs, groups, logs, paces, restarts, stops, topics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.truth.stage import Stage

    Scenario = Callable[[Stage], Awaitable[None]]

TOGETHER: dict[str, Scenario] = {
    "steady": paces.steady,
    "spike": paces.spike,
    "idle-then-one": paces.idle_then_one,
    "stopped-producer-on": stops.stopped_producer_on,
    "stopped-producer-idle": stops.stopped_producer_idle,
    "stuck-partition": stops.stuck_partition,
    "catch-up-even": backlogs.catch_up_even,
    "catch-up-uneven": backlogs.catch_up_uneven,
    "backlog-before-start": backlogs.backlog_before_start,
    "out-of-order-and-rewound": groups.out_of_order_and_rewound,
    "compacted": logs.compacted,
    "transactions": logs.transactions,
    "open-transaction": logs.open_transaction,
    "retention": logs.retention,
    "group-deleted": groups.group_deleted,
    "group-late": groups.group_late,
    "sparse": paces.sparse,
    "skewed-clock": logs.skewed_clock,
    "log-append-time": logs.log_append_time,
    "partitions-added": topics.partitions_added,
    "topic-recreated": topics.topic_recreated,
    "kip-848": groups.kip_848,
}
"""Those that share a broker and a gauge."""
ALONE: dict[str, Scenario] = {
    "gauge-restarted": restarts.gauge_restarted,
    "broker-restarted": restarts.broker_restarted,
}
"""Those that have a gauge of their own, in this order: the last one takes the broker away."""
SCENARIOS = TOGETHER | ALONE
