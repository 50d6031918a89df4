"""An engine and its images, one of each for the whole run, and what they were, told at the end."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from .engine import EngineError, find_engine
from .images import Images

REPOSITORY = Path(__file__).parents[2]
TOLD = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def engine(pytestconfig):
    """A container engine; where there is none the run fails, since it was asked for."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(find_engine())
        except EngineError as error:
            pytest.exit(str(error), returncode=1)
        told = pytestconfig.stash.setdefault(TOLD, {})
        version = found.docker("version", "--format", "{{.Server.Version}}").strip()
        told["engine"] = f"{'a private' if found.private else 'the given'} one, {version}"
        yield found


@pytest.fixture(scope="session")
def images(engine, pytestconfig):
    """Other people's images, by name: `images.provide("apache/kafka:4.3.1")`."""
    found = Images(engine)
    yield found
    pytestconfig.stash[TOLD] |= found.provided


@pytest.fixture(scope="session")
def built(engine, images):
    """Our own images from their Dockerfiles, removed at the end: `built("service/Dockerfile")`."""
    tags = {}

    def build(dockerfile):
        if dockerfile not in tags:
            images.provide("python:3.11-slim")
            tag = f"streamgauge-test:{uuid4().hex[:12]}"
            tags[dockerfile] = engine.build(tag, REPOSITORY / dockerfile, REPOSITORY)
        return tags[dockerfile]

    yield build
    for tag in tags.values():
        engine.docker("image", "rm", "--force", tag)


def pytest_terminal_summary(terminalreporter, config):
    """Say on what the tests ran, and above all what was only stood in for."""
    for name, what in config.stash.get(TOLD, {}).items():
        terminalreporter.write_line(f"::: {name}: {what}")
