"""Definitions of a configuration, and an instance in which they are run."""

from uuid import uuid4

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableRepository

from streamgauge_dagster import build_definitions

from .reporting import ORDERS, STREAM, Reports


@pytest.fixture
def config_file(tmp_path):
    """Write a configuration: `config_file(orders={...}, kafka={...}, dagster={...})`."""

    def write(kafka=None, dagster=None, **streams):
        path = tmp_path / f"{uuid4().hex}.yaml"
        settings = {
            "kafka": {"bootstrap_servers": "broker-1:9092,broker-2:9092"} | (kafka or {}),
            "streams": streams or {"orders": ORDERS},
        }
        path.write_text(yaml.safe_dump(settings | ({"dagster": dagster} if dagster else {})))
        return path

    return write


@pytest.fixture
def build(config_file):
    """Definitions of a configuration, which is written as `config_file` does."""
    return lambda **settings: build_definitions(config_file(**settings), environ={})


@pytest.fixture
def instance():
    """A Dagster instance of this test alone."""
    with dg.DagsterInstance.ephemeral() as own:
        yield own


@pytest.fixture
def reports(instance):
    """What a gauge reports to the instance, and what runs write beside it."""
    return Reports(instance)


@pytest.fixture
def run(instance):
    """Run assets, with all of their checks or those that are named: `run(defs, keys, checks)`."""

    def run(defs, assets=(), checks=None):
        job = defs.resolve_implicit_global_asset_job_def()
        part = job.get_subset(asset_selection=set(assets), asset_check_selection=checks)
        return part.execute_in_process(instance=instance)

    return run


@pytest.fixture
def run_code(instance, tmp_path):
    """Run assets of a code location as Dagster does: `run_code("defs = ...", keys)`."""

    def run_code(code, assets):
        path = tmp_path / "code_location.py"
        path.write_text(code)
        repository = ReconstructableRepository.for_file(str(path), "defs", str(tmp_path))
        return dg.execute_job(
            repository.get_reconstructable_job("__ASSET_JOB"),
            instance,
            asset_selection=list(assets),
            run_config={"execution": {"config": {"in_process": {}}}},
        )

    return run_code


@pytest.fixture
def observed(instance):
    """The observations of an asset, the newest first."""

    def observed(key=STREAM):
        records = instance.fetch_observations(key, limit=100).records
        return [record.asset_observation for record in records]

    return observed
