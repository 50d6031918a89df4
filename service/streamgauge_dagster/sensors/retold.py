"""A report as a sensor tells it again: with types, and without what only the gauge needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge_dagster.presentation import link_entries
from streamgauge_dagster.repeated import repeated_metadata
from streamgauge_dagster.sensors.metadata import left_out, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamgauge_dagster.sensors.reported import Report

GROUPS_MAX: Final = 50
"""Rows of the table of consumer groups, the greatest lag first; `groups_left_out` has the rest."""
POSITIONS_MAX: Final = 10_000
"""Partitions in the detail of an observation."""
VERSION: Final = "dagster/data_version"
_GROUP_COLUMNS: Final = (
    ("group", "string", "Consumer group"),
    ("status", "string", "What it is doing"),
    ("lag", "int", "Records that it has still to read"),
    ("lag_bound", "string", "How the lag is to be read: exact, upper or unknown"),
    ("time_lag_seconds", "float", "Age of the first record that it has still to read"),
    ("time_lag_bound", "string", "How the time lag is to be read"),
)
_KINDS: Final = {"string": str, "int": int, "float": int | float}


def retold(report: Report, links: Mapping[str, str]) -> dg.AssetObservation:
    """The same report under the same data version, so that it is no new data.

    Its `detail` stays with the report itself; of it the consumer groups come back as a table.
    """
    told = report.observation
    metadata = repeated_metadata(told, report.recorded_seconds)
    del metadata["summary"]  # a description may stand here, as in the report
    groups = rows(metadata, "detail", "groups")
    table = group_table(groups, left_out(metadata, "groups"))
    metadata.pop("detail", None)
    return dg.AssetObservation(
        told.asset_key,
        description=told.description,
        metadata={**link_entries(links), **metadata, **table},
        tags=versioned(told.data_version or ""),
    )


def versioned(data_version: str) -> dict[str, str]:
    """Tags that give an observation its data version."""
    return {VERSION: data_version, f"{VERSION}_is_user_provided": "true"}


def newest_entries(at_ms: int | None) -> dict[str, dg.MetadataValue[Any]]:
    """When the newest record was received, also as Dagster's own freshness checks want it."""
    if at_ms is None:
        return {}
    return {
        "last_message_timestamp": dg.MetadataValue.float(at_ms / 1000),
        "dagster/last_updated_timestamp": dg.MetadataValue.timestamp(at_ms / 1000),
    }


def group_table(
    groups: Iterable[Mapping[str, Any]], beyond: int = 0
) -> dict[str, dg.MetadataValue[Any]]:
    """The rows of `detail.groups` as a table; nothing where there are none.

    Args:
        groups: the greatest lag first.
        beyond: how many more there are.
    """
    found = list(groups)
    if not found:
        return {}
    records = [
        dg.TableRecord({name: _cell(row.get(name), kind) for name, kind, _ in _GROUP_COLUMNS})
        for row in found[:GROUPS_MAX]
    ]
    columns = [dg.TableColumn(name, kind, text) for name, kind, text in _GROUP_COLUMNS]
    table: dict[str, dg.MetadataValue[Any]] = {
        "groups": dg.MetadataValue.table(records, dg.TableSchema(columns))
    }
    beyond += max(0, len(found) - GROUPS_MAX)
    return table | ({"groups_left_out": dg.MetadataValue.int(beyond)} if beyond else {})


def _cell(value: object, kind: str) -> Any:  # noqa: ANN401 - by the column's type
    """Empty where it is unknown, or of another type than the column."""
    return value if isinstance(value, _KINDS[kind]) else None
