"""Two questions that the gauge asks Dagster's GraphQL API, and how their answers are read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AssetKey: TypeAlias = tuple[str, ...]

OBSERVATIONS_LOOKED_AT: Final = 50
"""Newest observations among which the gauge looks for its own; runs and sensors write some too."""

REPLAYED: Final = "replayed_from"
"""Metadata that marks what was told again; whatever has it is no report."""

_LAST_REPORTED: Final = """
query LastReported($key: AssetKeyInput!, $limit: Int!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetObservations(limit: $limit) {
        runId
        metadataEntries {
          label
          ... on IntMetadataEntry { intRepr }
          ... on TextMetadataEntry { text }
          ... on JsonMetadataEntry { jsonString }
        }
        tags { key value }
      }
    }
  }
}
"""
_DEFINED: Final = """
query Defined($keys: [AssetKeyInput!]) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetChecksOrError {
      ... on AssetChecks { checks { name } }
    }
  }
}
"""


class AnswerError(ValueError):
    """The answer is not one that Dagster's GraphQL API gives to the question."""


class UnreadableError(AnswerError):
    """The answer is no JSON: it may be one that was cut off."""


@dataclass(frozen=True, slots=True)
class LastReported:
    """A report of an asset that Dagster has."""

    stream: str
    life: str
    sequence: int
    period_end: str
    """As in the observation's metadata."""
    arrived_total: int
    """`records_total`, or `dead_letters_total` of a dead letter topic."""
    detail: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    """The entry of this name."""
    data_version: str | None = field(default=None, compare=False, repr=False)


def last_reported_question(asset_key: AssetKey) -> dict[str, Any]:
    """Body of the request; it also works for an asset that is not defined."""
    variables = {"key": {"path": list(asset_key)}, "limit": OBSERVATIONS_LOOKED_AT}
    return {"query": _LAST_REPORTED, "variables": variables}


def read_last_reported(content: bytes, stream: str, life: str | None) -> LastReported | None:
    """The greatest report of this stream in a life, whichever was stored last.

    Reports that no run made count, unless they repeat another one.

    Args:
        content: the answer.
        stream: that reported.
        life: of which; None for the one that was told of last.

    Raises:
        AnswerError: with what Dagster says instead.
    """
    data = data_of(content)
    try:
        asset = data["assetOrError"]
        every = (_report_of(each, stream) for each in asset.get("assetObservations", ()))
        found = [each for each in every if each is not None and life in {None, each.life}]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise AnswerError("its answer does not have the fields of the observations") from error
    newest = max(found, key=lambda each: each.period_end, default=None)
    if newest is None:
        return None
    same = (each for each in found if each.life == newest.life)
    return max(same, key=lambda each: (each.sequence, each.arrived_total))


def told_by(
    stream: str, run_id: str, entries: Iterable[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]] | None:
    """The metadata by label of what this stream told; None if a run or a sensor did, or another."""
    told = {entry["label"]: entry for entry in entries}
    own = not run_id and REPLAYED not in told and _text(told, "stream") == stream
    return told if own else None


def _report_of(observation: Mapping[str, Any], stream: str) -> LastReported | None:
    """The report that an observation is, None if it is not one of this stream's."""
    told = told_by(stream, observation["runId"], observation["metadataEntries"])
    if told is None:
        return None
    # of a stream, dead_letters_total is there too but is not what arrived
    total = _integer(told, "records_total")
    if total is None:
        total = _integer(told, "dead_letters_total")
    sequence = _integer(told, "sequence")
    life, end = _text(told, "life"), _text(told, "period_end")
    if total is None or sequence is None or not life or not end:
        return None
    return LastReported(
        stream, life, sequence, end, total, _json(told, "detail"), _data_version(observation)
    )


def defined_question(asset_keys: Iterable[AssetKey] | None) -> dict[str, Any]:
    """Body of the request; without keys it asks for all that there is."""
    keys = None if asset_keys is None else [{"path": list(each)} for each in asset_keys]
    return {"query": _DEFINED, "variables": {"keys": keys}}


def read_defined(content: bytes) -> dict[AssetKey, frozenset[str] | None]:
    """The names of the checks of each asset that is defined; None where Dagster does not say.

    Raises:
        AnswerError: with what Dagster says instead.
    """
    try:
        return {
            tuple(node["assetKey"]["path"]): _check_names(node["assetChecksOrError"])
            for node in data_of(content)["assetNodes"]
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise AnswerError("its answer does not have the fields of the assets") from error


def _check_names(answer: Mapping[str, Any]) -> frozenset[str] | None:
    checks = answer.get("checks")
    return None if checks is None else frozenset(check["name"] for check in checks)


def data_of(content: bytes) -> dict[str, Any]:
    """What a GraphQL answer holds.

    Raises:
        UnreadableError: it is no JSON.
        AnswerError: with what Dagster says instead.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it does not answer in JSON") from error
    match answer:
        case {"errors": [{"message": str(message)}, *_]}:
            raise AnswerError(f"it answers: {message}")
        case {"errors": errors} if errors:
            raise AnswerError(f"it answers with errors: {errors}")
        case {"data": dict(data)}:
            return data
        case _:
            raise AnswerError("its answer holds no data")


def _text(told: Mapping[str, Any], label: str) -> str | None:
    text = told.get(label, {}).get("text")
    return text if isinstance(text, str) else None


def _json(told: Mapping[str, Any], label: str) -> Mapping[str, Any] | None:
    text = told.get(label, {}).get("jsonString")
    value = json.loads(text) if isinstance(text, str) else None
    return value if isinstance(value, dict) else None


def _data_version(observation: Mapping[str, Any]) -> str | None:
    tags = {tag["key"]: tag["value"] for tag in observation.get("tags") or ()}
    version = tags.get("dagster/data_version")
    return version if isinstance(version, str) else None


def _integer(told: Mapping[str, Any], label: str) -> int | None:
    text = told.get(label, {}).get("intRepr")
    return int(text) if isinstance(text, str) and text.lstrip("-").isdecimal() else None
