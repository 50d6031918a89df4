"""Faults that are planted between the gauge and the judgement, which has to find them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from .gauge import POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .gauge import Sample


def _lag(streams: Mapping[str, dict]) -> None:
    """One record too many."""
    for group in _groups(streams):
        for part in (group, *group["partitions"].values()):
            if part["lag"] is not None:
                part["lag"] += 1


def _time_lag(streams: Mapping[str, dict]) -> None:
    """One poll interval too long."""
    for group in _groups(streams):
        if group["time_lag_seconds"] is not None:
            group["time_lag_seconds"] += POLL_SECONDS


def _age(streams: Mapping[str, dict]) -> None:
    """Each age one poll interval too old."""
    for aged in _aged(streams):
        aged["sum_seconds"] += POLL_SECONDS * aged["count"]


def _count(streams: Mapping[str, dict]) -> None:
    """One age too many."""
    for aged in _aged(streams):
        aged["count"] += 1
        aged["zero_count"] += 1


def _status(streams: Mapping[str, dict]) -> None:
    """A group that is well is stalled, and the other way round."""
    changed = {"OK": "STALLED", "STALLED": "OK", "STOPPED": "OK"}
    for group in _groups(streams):
        group["status"] = changed.get(group["status"], group["status"])


def _groups(streams: Mapping[str, dict]) -> Iterator[dict]:
    return (group for stream in streams.values() for group in stream["groups"].values())


def _aged(streams: Mapping[str, dict]) -> Iterator[dict]:
    counted = (each for stream in streams.values() for each in stream["processed"].values())
    return (each["aged"] for each in counted if each["aged"])


PLANTS: dict[str, Callable[[Mapping[str, dict]], None]] = {
    "lag": _lag,
    "time-lag": _time_lag,
    "age": _age,
    "count": _count,
    "status": _status,
}


def planted(sample: Sample, plant: str | None) -> Sample:
    """A sample with a fault in it; without a plant, the sample."""
    if plant is None or sample.streams is None:
        return sample
    streams = deepcopy(sample.streams)
    PLANTS[plant](streams)
    return sample._replace(streams=streams)
