"""What checks last said, read back from Dagster so that they go on from there after a restart."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from streamgauge.core.checks.standing import Breach, Standing
from streamgauge.dagster.graphql import AnswerError, data_of, told_by
from streamgauge.dagster.plain import instant_ms
from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.dagster.graphql import AssetKey

CHECKS_PER_QUESTION: Final = 50
"""Dagster looks each of them up on its own."""
_EVALUATIONS_LOOKED_AT: Final = 5
"""Newest evaluations of a check among which the gauge looks for its own; runs repeat some."""

_EVALUATIONS: Final = """
fragment Told on AssetCheckExecution {
  runId
  evaluation {
    metadataEntries {
      label
      ... on FloatMetadataEntry { floatValue }
      ... on IntMetadataEntry { intRepr }
      ... on TextMetadataEntry { text }
      ... on JsonMetadataEntry { jsonString }
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class LastStanding:
    """The standing of a check as it was told last, and as of when."""

    standing: Standing
    as_of_ms: int


def standings_question(checks: Sequence[tuple[AssetKey, str]]) -> dict[str, Any]:
    """Body of the request; it also works for checks that are not defined."""
    variables: dict[str, Any] = {}
    asked = []
    for place, (asset_key, name) in enumerate(checks):
        variables |= {f"key{place}": {"path": list(asset_key)}, f"name{place}": name}
        asked.append(
            f"check{place}: assetCheckExecutions(assetKey: $key{place}, checkName: $name{place}, "
            f"limit: {_EVALUATIONS_LOOKED_AT}) {{ ...Told }}"
        )
    declared = ", ".join(
        f"$key{place}: AssetKeyInput!, $name{place}: String!" for place in range(len(checks))
    )
    query = f"query LastStandings({declared}) {{ {' '.join(asked)} }}"
    return {"query": query + _EVALUATIONS, "variables": variables}


def read_standings(
    content: bytes, checks: Sequence[tuple[AssetKey, str]], stream: str
) -> dict[tuple[AssetKey, str], LastStanding]:
    """The newest standing of each check that this stream has told; checks without one are absent.

    Raises:
        AnswerError: with what Dagster says instead.
    """
    data = data_of(content)
    found = {}
    try:
        for place, check in enumerate(checks):
            for execution in data[f"check{place}"]:
                last = _own(execution, stream)
                if last is not None:
                    found[check] = last
                    break
    except (AttributeError, KeyError, TypeError) as error:
        raise AnswerError("its answer does not have the fields of the evaluations") from error
    return found


def _own(execution: Mapping[str, Any], stream: str) -> LastStanding | None:
    """The standing of an evaluation that no run made, None if it is not this stream's."""
    evaluation = execution["evaluation"]
    if evaluation is None:
        return None
    told = told_by(stream, execution["runId"], evaluation["metadataEntries"])
    if told is None:
        return None
    try:
        breaches = json.loads(told.get("breaches", {}).get("jsonString") or "{}")
        standing = Standing(
            level=Level(told["level"]["text"]),
            since_ms=instant_ms(told["since"]["text"]),
            reason=told["reason"]["text"],
            value=_number(told.get("value")),
            limit=_number(told.get("limit")),
            warn=_breach(breaches.get("warn", {})),
            fail=_breach(breaches.get("fail", {})),
        )
        return LastStanding(standing, instant_ms(told["as_of"]["text"]))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None  # of another version, or of somebody else


def _number(entry: Mapping[str, Any] | None) -> float | None:
    if entry is None:
        return None
    value = entry.get("floatValue")
    return float(entry["intRepr"]) if value is None else float(value)


def _breach(told: Mapping[str, Any]) -> Breach:
    """A breach from its fields.

    Raises:
        TypeError: if one of them is of another type, or of another name.
    """
    for field in fields(Breach):
        value = told.get(field.name)
        kinds = (bool,) if field.name == "counts" else (int, float)
        if value is not None and not isinstance(value, kinds):
            raise TypeError(f"{field.name} is {value!r}")
    return Breach(**told)
