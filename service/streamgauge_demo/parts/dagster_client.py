"""Reads back what a Dagster webserver has recorded, as plain values, through its GraphQL API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

_TIMEOUT_SECONDS: Final = 30.0

_METADATA: Final = """
metadataEntries { __typename label
  ... on IntMetadataEntry { intRepr } ... on FloatMetadataEntry { floatValue }
  ... on BoolMetadataEntry { boolValue } ... on TextMetadataEntry { text }
  ... on JsonMetadataEntry { jsonString } ... on TimestampMetadataEntry { timestamp }
  ... on UrlMetadataEntry { url } ... on MarkdownMetadataEntry { mdStr } }
"""
_OBSERVATIONS: Final = f"""
query($key: AssetKeyInput!, $limit: Int!) {{ assetOrError(assetKey: $key) {{ __typename
  ... on Asset {{ assetObservations(limit: $limit) {{
    timestamp runId partition description tags {{ key value }} {_METADATA} }} }} }} }}
"""
_CHECK_EXECUTIONS: Final = f"""
query($key: AssetKeyInput!, $check: String!, $limit: Int!) {{
  assetCheckExecutions(assetKey: $key, checkName: $check, limit: $limit) {{
    timestamp runId status
    evaluation {{ success severity timestamp description {_METADATA} }} }} }}
"""
_DATA_VERSION_TAG: Final = "dagster/data_version"


@dataclass(frozen=True, slots=True)
class Observation:
    """One recorded observation of an asset.

    Attributes:
        timestamp_ms: when Dagster recorded it, milliseconds since the epoch.
        run_id: empty for an event that was reported from outside.
        partition: partition key, if one was given.
        description: text, if one was given.
        data_version: the reported data version, if one was given.
        metadata: values by label; JSON metadata is decoded.
    """

    timestamp_ms: int
    run_id: str
    partition: str | None
    description: str | None
    data_version: str | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckExecution:
    """One recorded evaluation of an asset check.

    Attributes:
        timestamp_ms: when Dagster recorded it, milliseconds since the epoch.
        run_id: empty for an evaluation that was reported from outside.
        passed: whether the check passed.
        severity: `WARN` or `ERROR`.
        description: text, if one was given.
        metadata: values by label; JSON metadata is decoded.
    """

    timestamp_ms: int
    run_id: str
    passed: bool
    severity: str
    description: str | None
    metadata: Mapping[str, Any]


class DagsterClient:
    """Access to a running webserver; close it, or use it as a context manager.

    Attributes:
        base_url: where the webserver answers, with its path prefix, without a slash at the end.
    """

    def __init__(self, base_url: str, on_close: Callable[[], None] | None = None) -> None:
        self.base_url: Final = base_url
        self._on_close = on_close
        # no connection is kept: it would be a dead one after the server was killed
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http: Final = httpx.Client(timeout=_TIMEOUT_SECONDS, limits=limits)

    def answers(self) -> bool:
        """Tell whether the webserver answers at all."""
        try:
            return self._http.get(f"{self.base_url}/server_info").is_success
        except httpx.TransportError:
            return False

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Give the `data` of the answer.

        Raises:
            httpx.HTTPError: no answer, or not one of GraphQL.
            RuntimeError: the query was refused; has GraphQL's errors.
        """
        answer = self._http.post(
            f"{self.base_url}/graphql", json={"query": query, "variables": dict(variables or {})}
        )
        body: dict[str, Any] = answer.json()
        if body.get("errors") or "data" not in body:
            raise RuntimeError(f"Dagster refused the query: {body}")
        data: dict[str, Any] = body["data"]
        return data

    def observations(self, asset_key: Sequence[str], limit: int = 100) -> list[Observation]:
        """Give the latest observations of an asset, defined or not, the newest first."""
        variables = {"key": {"path": list(asset_key)}, "limit": limit}
        asset = self.graphql(_OBSERVATIONS, variables)["assetOrError"]
        return [
            Observation(
                timestamp_ms=int(found["timestamp"]),
                run_id=found["runId"],
                partition=found["partition"],
                description=found["description"],
                data_version={tag["key"]: tag["value"] for tag in found["tags"]}.get(
                    _DATA_VERSION_TAG
                ),
                metadata=_metadata(found["metadataEntries"]),
            )
            for found in asset.get("assetObservations", ())
        ]

    def check_executions(
        self, asset_key: Sequence[str], check_name: str, limit: int = 100
    ) -> list[CheckExecution]:
        """Give the latest evaluations of a check, defined or not, the newest first."""
        variables = {"key": {"path": list(asset_key)}, "check": check_name, "limit": limit}
        return [
            CheckExecution(
                timestamp_ms=round(found["evaluation"]["timestamp"] * 1_000),
                run_id=found["runId"],
                passed=found["evaluation"]["success"],
                severity=found["evaluation"]["severity"],
                description=found["evaluation"]["description"],
                metadata=_metadata(found["evaluation"]["metadataEntries"]),
            )
            for found in self.graphql(_CHECK_EXECUTIONS, variables)["assetCheckExecutions"]
            if found["evaluation"] is not None
        ]

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._http.close()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _metadata(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {entry["label"]: _plain_value(entry) for entry in entries}


def _plain_value(entry: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Give the value of a GraphQL metadata entry.

    Raises:
        ValueError: a type of entry that is not asked for above.
    """
    match entry:
        case {"intRepr": str(digits)}:  # intValue is null above 2^31
            return int(digits)
        case {"jsonString": str(text)}:
            return json.loads(text)
        case {"__typename": "NullMetadataEntry"}:
            return None
    values = [value for name, value in entry.items() if name not in {"__typename", "label"}]
    if len(values) != 1:
        raise ValueError(f"metadata entry of an unknown type: {dict(entry)}")
    return values[0]
