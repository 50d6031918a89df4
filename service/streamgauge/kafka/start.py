"""Where a tail begins on partitions for which nothing else says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from streamgauge.kafka.errors import BrokersUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection

    from streamgauge.kafka.cluster import Cluster, IsolationLevel

StartFrom: TypeAlias = Literal["latest", "earliest"] | int
"""`latest`: the end offset; `earliest`: the start offset; an int: the first record at or after
that time in milliseconds since the epoch, the end offset if there is none."""


async def start_positions(
    cluster: Cluster,
    topic: str,
    partitions: Collection[int],
    start_from: StartFrom,
    isolation_level: IsolationLevel,
) -> dict[int, int]:
    """Resolve `start_from` to an offset for every partition.

    Raises:
        BrokersUnavailableError: If a partition has no answer, for example for want of a leader;
            names the partitions. Trying again later may help.
    """
    positions: dict[int, int]
    if isinstance(start_from, int):
        positions = await cluster.offsets_at(topic, partitions, start_from, isolation_level)
    else:
        offsets = await cluster.log_offsets(topic, partitions, isolation_level)
        positions = dict(offsets.end if start_from == "latest" else offsets.start)
    missing = sorted(set(partitions) - positions.keys())
    if missing:
        raise BrokersUnavailableError(
            f"no leader tells the offsets of partitions {missing} of topic {topic!r}"
        )
    return positions
