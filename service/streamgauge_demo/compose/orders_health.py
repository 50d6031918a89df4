"""Health checks of producer and workers in compose.yaml: what each does is seen on the broker."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import click
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without a word
    OffsetSpec,
)

from streamgauge_demo.parts.broker_contract import admin_client

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_TIMEOUT_SECONDS: Final = 4.0
_SILENT_SECONDS: Final = 60.0
"""Longer than any pause of the producer."""


@click.command()
@click.option("--bootstrap-servers", required=True)
@click.option("--topic", required=True)
@click.option("--group", help="Ask for this group's commits instead of the records.")
def main(bootstrap_servers: str, topic: str, group: str | None) -> None:
    """Exit with 0 if TOPIC has a record of the last minute, or if GROUP has committed in it."""
    admin = admin_client(bootstrap_servers)
    known = admin.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic].partitions
    partitions = [TopicPartition(topic, number) for number in known]
    if group is None:
        age_seconds = time.time() - _newest_seconds(admin, partitions)
        sys.exit(f"no record for {age_seconds:.0f} s" if age_seconds > _SILENT_SECONDS else None)
    sys.exit(None if _has_committed(admin, partitions, group) else f"{group} committed nothing")


def _newest_seconds(admin: AdminClient, partitions: list[TopicPartition]) -> float:
    """The greatest timestamp of all records, seconds since the epoch; 0 without a record."""
    newest = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call] # published half typed
    told = admin.list_offsets(dict.fromkeys(partitions, newest), request_timeout=_TIMEOUT_SECONDS)
    return max((future.result().timestamp for future in told.values()), default=0) / 1_000


def _has_committed(admin: AdminClient, partitions: list[TopicPartition], group: str) -> bool:
    asked = [ConsumerGroupTopicPartitions(group, partitions)]
    told = admin.list_consumer_group_offsets(asked, request_timeout=_TIMEOUT_SECONDS)
    return any(partition.offset >= 0 for partition in told[group].result().topic_partitions)


if __name__ == "__main__":
    main()
