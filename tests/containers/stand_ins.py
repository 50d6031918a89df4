"""Images that stand in for published ones where no registry of images is reachable.

Each gives what the project's own files ask of the published image: its programs at their paths,
its environment variables, its user, its ports. What else the published one has is not proven.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from streamgauge_demo.parts.collector_binary import prepare_collector
from streamgauge_demo.parts.kafka_node import prepare_kafka_node

from . import debian
from .rootfs import JAVA, PYTHON, prepare_rootfs

if TYPE_CHECKING:
    from collections.abc import Callable

    from .engine import Engine

DOCKERFILES = Path(__file__).parent / "stand_ins"
LABEL = "streamgauge.stand-in"
"""A stand-in carries this label, which says what it is."""
SYSTEM = "streamgauge-stand-in"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def make(engine: Engine, name: str) -> None:
    """Make the stand-in of an image under the image's own name.

    Raises:
        RuntimeError: there is none for this image, or it cannot be made here.
    """
    repository = name.partition(":")[0]
    if repository not in MAKERS:
        raise RuntimeError(f"{name} cannot be pulled, and nothing stands in for {repository}")
    with tempfile.TemporaryDirectory(prefix="streamgauge-stand-in-") as folder:
        context = Path(folder)
        MAKERS[repository](engine, context)
        dockerfile = DOCKERFILES / repository.rpartition("/")[2] / "Dockerfile"
        shutil.copytree(dockerfile.parent, context, dirs_exist_ok=True)
        engine.build(name, dockerfile, context)


def _python(engine: Engine, context: Path) -> None:
    """Add this machine's certificates: what it trusts may differ from what Debian does."""
    _import(engine, "python", PYTHON)
    debian.install(**{"update-ca-certificates": "ca-certificates"})
    shutil.copy(CERTIFICATES, context)


def _kafka(engine: Engine, context: Path) -> None:
    _import(engine, "java", JAVA)
    (context / "libs").mkdir()
    for jar in prepare_kafka_node().class_path.split(":"):
        shutil.copy(jar, context / "libs")


def _collector(_: Engine, context: Path) -> None:
    shutil.copy(prepare_collector(), context / "otelcol")


def _jaeger(engine: Engine, context: Path) -> None:
    _import(engine, "python", PYTHON)
    shutil.copy(prepare_collector(), context / "otelcol")


def _import(engine: Engine, tag: str, packages: tuple[str, ...]) -> None:
    name = f"{SYSTEM}:{tag}"
    if not engine.try_docker("image", "inspect", name):
        engine.docker("import", prepare_rootfs(packages), name)


MAKERS: dict[str, Callable[[Engine, Path], None]] = {
    "python": _python,
    "apache/kafka": _kafka,
    "otel/opentelemetry-collector-contrib": _collector,
    "jaegertracing/jaeger": _jaeger,
}
