"""The GraphQL mutation that takes an evaluation of a check together with its description.

REST takes none (dagster_webserver/external_assets.py). Dagster has the mutation since 1.12.22 and
shows the description as Markdown on the page of the check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamgauge.core.markdown import as_markdown
from streamgauge.dagster.graphql import AnswerError, UnreadableError, data_of
from streamgauge.dagster.outcome import Accepted, Ambiguous, Misconfigured
from streamgauge.dagster.plain import as_json, bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge.dagster.outcome import Outcome

_PROBE: Final = """
query Probe {
  __type(name: "ReportAssetCheckEvaluationsParams") { inputFields { name } }
}
"""
_REPORT: Final = """
mutation Report($evaluation: ReportAssetCheckEvaluationsParams!) {
  reportAssetCheckEvaluations(eventParams: $evaluation) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
_NEEDED: Final = frozenset(
    {"assetKey", "checkName", "passed", "severity", "description", "serializedMetadata"}
)


def probe_question() -> dict[str, Any]:
    """Body of the request that asks whether the server has the mutation."""
    return {"query": _PROBE, "variables": {}}


def read_probe(content: bytes) -> bool:
    """Whether the server has the mutation, with all that is sent to it.

    Raises:
        AnswerError: with what Dagster says instead.
    """
    try:
        kind = data_of(content)["__type"]
        return kind is not None and {each["name"] for each in kind["inputFields"]} >= _NEEDED
    except (AttributeError, KeyError, TypeError) as error:
        raise AnswerError("its answer does not have the fields of a type") from error


def mutation(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Body of the request that records what REST would take as `evaluation`, with a description.

    The description is the reason; the metadata are the same.
    """
    metadata = evaluation["metadata"]
    params = {
        "assetKey": {"path": evaluation["asset_key"]},
        "checkName": evaluation["check_name"],
        "passed": evaluation["passed"],
        "severity": evaluation["severity"],
        "description": as_markdown(metadata["reason"]),
        "serializedMetadata": as_json(metadata).decode("ascii"),
    }
    return {"query": _REPORT, "variables": {"evaluation": params}}


def read_mutated(content: bytes) -> Outcome:
    """What became of the evaluation; of an answer that was cut off nobody knows.

    Raises:
        AnswerError: the server refuses the mutation as such, with its words.
    """
    try:
        answer = data_of(content)["reportAssetCheckEvaluations"]
        kind, message = answer["__typename"], answer.get("message", "")
    except UnreadableError as error:
        return Ambiguous(f"of GraphQL, {error}")
    except (AttributeError, KeyError, TypeError) as error:
        raise AnswerError("its answer does not have the fields of the mutation") from error
    if kind == "ReportAssetCheckEvaluationsSuccess":
        return Accepted()
    told = f"GraphQL answers {bounded(str(kind), 60)}: {bounded(str(message), 300)}"
    return Misconfigured(told) if kind == "UnauthorizedError" else Ambiguous(told)
