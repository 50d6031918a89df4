"""Attributes of a `defs.yaml`, what they give, and what is told of wrong ones."""

import pytest
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox

from streamgauge.config import ConfigError
from streamgauge_dagster import KafkaStreamComponent

from .reporting import ORDERS

COMPONENT_WARNINGS = [  # Dagster's own
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.BetaWarning"),
]
TYPE = "streamgauge_dagster.KafkaStreamComponent"
INLINE = {
    "name": "orders",
    "topic": ORDERS["topic"],
    "bootstrap_servers": "broker-1:9092,broker-2:9092",
    **{name: value for name, value in ORDERS.items() if name != "topic"},
}


def load_component(files=(), **attributes):
    """Definitions of a `defs.yaml` with these attributes; `files` lie beside it, by name."""
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(
            component_cls=KafkaStreamComponent,
            defs_yaml_contents={"type": TYPE, "attributes": attributes},
        )
        for name, text in dict(files).items():
            (path / name).write_text(text)
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, defs):
            return defs


def refused_component(files=(), **attributes):
    """What is told of the attributes, for Dagster says around it where they stand."""
    with pytest.raises(ComponentTreeException) as raised:
        load_component(files, **attributes)
    cause = raised.value
    while not isinstance(cause, ConfigError):
        cause = cause.__cause__ or cause.__context__
        assert cause is not None, raised.value
    return cause.problems


def specs_of(defs):
    """The specs of the assets by key."""
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def checks_of(defs):
    """The keys of all checks."""
    return set(defs.resolve_asset_graph().asset_check_keys)
