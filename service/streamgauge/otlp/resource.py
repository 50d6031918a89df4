"""Who speaks: the resource of this process, as far as the environment does not say it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SERVICE_NAME: Final = "streamgauge"


def process_resource(service_version: str, environ: Mapping[str, str]) -> Resource:
    """The resource for the process's own metrics and spans.

    OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over what is filled in here. The instance is
    the host name, which in Kubernetes is the pod's: the SDK's own choice would be a new random one
    at each start, and so a new series of everything.
    """
    given = OTELResourceDetector().detect().attributes
    filled_in = {
        SERVICE_NAME: DEFAULT_SERVICE_NAME,
        SERVICE_VERSION: service_version,
        SERVICE_INSTANCE_ID: environ.get("HOSTNAME") or socket.gethostname(),
    }
    return Resource.create({key: value for key, value in filled_in.items() if key not in given})
