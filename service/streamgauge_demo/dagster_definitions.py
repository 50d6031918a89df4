"""The demo's code location: the stream and its dead letters, and a batch asset built on them."""

import os

import dagster as dg

from streamgauge.config import load
from streamgauge_dagster import build_definitions

CONFIG = os.environ["STREAMGAUGE_CONFIG"]
"""The gauge's own file."""
(STREAM,) = load(CONFIG, {}, with_secrets=False).streams.values()
ORDERS = dg.AssetKey(list(STREAM.asset_key))


@dg.asset(deps=[ORDERS], group_name="batch", kinds={"python"})
def daily_revenue(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """What batch work is built on the stream: here it only tells how many orders there were."""
    observed = context.instance.fetch_observations(ORDERS, limit=1).records
    told = observed[0].asset_observation.metadata if observed else {}
    orders = told.get("records_total", dg.MetadataValue.null())
    return dg.MaterializeResult(metadata={"orders": orders})


defs = dg.Definitions.merge(build_definitions(CONFIG), dg.Definitions(assets=[daily_revenue]))
