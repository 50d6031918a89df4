"""Two questions that Dagster's pages ask again and again, as its web application asks them."""  # noqa: INP001 - a part of scripts, not of a package

LIST_ASSETS = 20
"""Rows of a list that are seen at once."""

_CHECKS = """
assetChecksOrError { ... on AssetChecks { checks { name canExecuteIndividually
  executionForLatestMaterialization { id runId status timestamp stepKey evaluation { severity } }
  partitionDefinition { name description } } } }
"""
_METADATA = """
metadataEntries { __typename label description
  ... on IntMetadataEntry { intRepr } ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text } ... on JsonMetadataEntry { jsonString } }
"""
QUESTIONS = {
    "list": f"""query AssetGraphLiveQuery($keys: [AssetKeyInput!]!) {{
  assetNodes(assetKeys: $keys, loadMaterializations: true) {{
    id opNames repository {{ id }} assetKey {{ path }}
    assetMaterializations(limit: 1) {{ timestamp runId stepKey }}
    assetObservations(limit: 1) {{ timestamp runId stepKey }}
    {_CHECKS}
    partitionStats {{ numMaterialized numMaterializing numPartitions numFailed }} }}
  assetsLatestInfo(assetKeys: $keys) {{ id assetKey {{ path }} unstartedRunIds inProgressRunIds
    latestRun {{ id status startTime endTime }} }} }}""",
    "page": f"""query AssetPage($key: AssetKeyInput!) {{
  assetOrError(assetKey: $key) {{ ... on Asset {{ id
    assetMaterializations(limit: 100) {{ timestamp runId partition {_METADATA} }}
    assetObservations(limit: 100) {{ timestamp runId partition {_METADATA} }} }} }}
  assetNodeOrError(assetKey: $key) {{ ... on AssetNode {{ id {_CHECKS} }} }} }}""",
}
