"""What a report says of the partitions of its topic, as observations of each."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import dagster as dg

from streamgauge.core.wording import few
from streamgauge_dagster.sensors.metadata import text
from streamgauge_dagster.sensors.retold import VERSION, versioned

if TYPE_CHECKING:
    from streamgauge_dagster.partitioned import KafkaPartitions
    from streamgauge_dagster.sensors.positions import StreamReport


def tell_partitions(
    instance: dg.DagsterInstance, of: KafkaPartitions, report: StreamReport
) -> tuple[list[dg.AssetObservation], str]:
    """Observations of the partitions that have new records, and what is left out, in words.

    Of a new life the records count anew; a partition that has none yet keeps what was told of it.

    Args:
        instance: where the log says what was told of the partitions already.
        of: the partitions that are defined.
        report: of the stream.
    """
    rows = list(report.positions)
    defined = set(of.definition.get_partition_keys())
    strange = [number for number, _, _ in rows if str(number) not in defined]
    versions = instance.event_log_storage.get_latest_tags_by_partition(
        of.asset_key, dg.DagsterEventType.ASSET_OBSERVATION, [VERSION]
    )
    found: list[dg.AssetObservation] = []
    for number, next_offset, records in rows:
        partition = str(number)
        before = versions.get(partition, {}).get(VERSION)
        version = _version(report, number, next_offset, records)
        if partition not in defined or version == before or (records == 0 and before):
            continue
        found.append(
            dg.AssetObservation(
                of.asset_key,
                partition=partition,
                description=f"Counted up to offset {next_offset:,}.",
                metadata={
                    **report.entries(),
                    **_numbers(next_offset, records, len(strange)),
                },
                tags=versioned(version),
            )
        )
    beyond = f"the topic has partition {few(strange)} too: raise partitions.kafka"
    return found, f"is defined with {len(defined)} partitions, but {beyond}" if strange else ""


def _version(report: StreamReport, number: int, next_offset: int, records: int | None) -> str:
    """Another one with each new record; of offsets alone, also with markers of transactions."""
    life = text(report.metadata, "life")
    told = f"{number}:{next_offset}" if records is None else f"{life}:{number}:{records}"
    return sha256(told.encode()).hexdigest()[:16]


def _numbers(
    next_offset: int, records: int | None, undefined: int
) -> dict[str, dg.MetadataValue[Any]]:
    counts = {
        "next_offset": next_offset,
        "records_total": records,
        "partitions_undefined": undefined or None,
    }
    return {
        name: dg.MetadataValue.int(count) for name, count in counts.items() if count is not None
    }
