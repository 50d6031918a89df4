"""The asset of a stream's partitions: what was told of a partition is repeated on demand."""

# Dagster reads the annotations of an op's function, so here they must not be turned into text.

import warnings
from collections.abc import Collection, Iterator

import dagster as dg

from streamgauge.core.markdown import as_markdown
from streamgauge_dagster.partitioned import KafkaPartitions, Partitioned
from streamgauge_dagster.presentation import Presentation
from streamgauge_dagster.reports import (
    PAGE,
    REPLAYED,
    is_report,
    newest_rows,
    recorded_seconds,
)
from streamgauge_dagster.sensors.level import reason_of
from streamgauge_dagster.specs import stream_tag

REPEATS = "Repeats what was told of a partition last; nothing is measured here."


def partition_definitions(
    of: Partitioned, stream: dg.AssetKey, name: str, look: Presentation
) -> dg.Definitions:
    """The asset, downstream of its stream, and the checks of its partitions.

    Args:
        of: the partitions.
        stream: the stream's own asset.
        name: of the stream.
        look: how it is shown.
    """
    spec = dg.AssetSpec(
        of.asset_key,
        deps=[stream],
        partitions_def=of.definition,
        description=_description(of, stream),
        group_name=look.group_name,
        owners=look.owners,
        kinds=set(look.kinds),
        tags={**look.tags, **stream_tag(name)},
        metadata=look.metadata(),
    )
    checks = _checks(of, look.blocking)
    assets = [_observable(spec) if look.observable else spec]
    return dg.Definitions(assets=assets, asset_checks=[_repeated(of, checks)] if checks else [])


def _description(of: Partitioned, stream: dg.AssetKey) -> str:
    asset = f"`{stream.to_user_string()}`"
    if isinstance(of, KafkaPartitions):
        return f"The partitions of the topic of {asset}, each observed when it has new records."
    return (
        f"Windows of event time of {asset}, each observed once, when all is counted that arrived"
        " until its end and the lateness allowed. A check says the worst that the stream's check"
        " said meanwhile."
    )


def _checks(of: Partitioned, blocking: Collection[str]) -> list[dg.AssetCheckSpec]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                check.name,
                asset=check.asset_key,
                description="The worst that it said of the stream while a window was filled.",
                blocking=check.name in blocking,
                partitions_def=of.definition,
            )
            for check in of.checks
        ]


def _observable(spec: dg.AssetSpec) -> dg.AssetsDefinition:
    def repeat(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        partition = context.partition_key
        asked = dg.AssetRecordsFilter(spec.key, asset_partitions=[partition])
        for record in context.instance.fetch_observations(asked, PAGE).records:
            told = record.asset_observation
            if told is None or told.data_version is None or not is_report(record.run_id, told):
                continue
            replayed = dg.MetadataValue.timestamp(record.timestamp)
            yield dg.ObserveResult(
                asset_key=spec.key,
                metadata={**told.metadata, REPLAYED: replayed},
                data_version=dg.DataVersion(told.data_version),
            )
            return
        context.log.warning(
            "%s is not observed: nothing was told of it yet, or not lately", partition
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        define = dg.multi_observable_source_asset(
            name=f"streamgauge__{spec.key.to_python_identifier()}",
            description=REPEATS,
            specs=[spec],
            can_subset=True,
        )
    asset: dg.AssetsDefinition = define(repeat)
    return asset


def _repeated(of: Partitioned, checks: list[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    def repeat(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for check in checks:
            if check.key in context.selected_asset_check_keys:
                yield _last_result(context.instance, check.key, context.partition_key)

    return dg.multi_asset_check(
        name=f"streamgauge__{of.asset_key.to_python_identifier()}__checks",
        description=REPEATS,
        specs=checks,
        can_subset=True,
    )(repeat)


def _last_result(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey, partition: str
) -> dg.AssetCheckResult:
    """What was told of a check's partition; without it nothing has passed."""
    for row in newest_rows(instance, key):
        told = row.evaluation if row.partition == partition else None
        if told is None or not is_report(row.run_id, told):
            continue
        replayed = dg.MetadataValue.timestamp(recorded_seconds(row))
        return dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=told.passed,
            severity=told.severity,
            description=as_markdown(reason_of(told)),
            metadata={**told.metadata, REPLAYED: replayed},
        )
    reason = "of this window nothing was told yet, or not lately"
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=reason,
        metadata={"reason": reason, "level": "unknown"},
    )
