"""What `dg scaffold defs streamgauge_dagster.KafkaStreamComponent` writes."""

# pydantic resolves the annotations of the parameters, so they must not be turned into text.

from typing import Annotated

import click
import dagster as dg
from pydantic import BaseModel, Field


class Parameters(BaseModel):
    """Options of the command."""

    config: Annotated[
        str | None, Field(description="The gauge's own file, relative to the new folder.")
    ] = None
    topic: Annotated[
        str | None, Field(description="The topic; without it the name of the new folder.")
    ] = None
    bootstrap_servers: Annotated[
        str | None, Field(description="host:port of brokers; localhost:9092 without it.")
    ] = None


class KafkaStreamScaffolder(dg.Scaffolder[Parameters]):
    """Writes a `defs.yaml` that can be loaded as it is."""

    @classmethod
    def get_scaffold_params(cls) -> type[Parameters]:
        """The options of the command."""
        return Parameters

    def scaffold(self, request: dg.ScaffoldRequest[Parameters]) -> None:
        """Write the file.

        Raises:
            click.UsageError: a file is named, and a stream beside it.
        """
        asked = request.params
        inline = {
            "topic": asked.topic or request.target_path.name,
            "bootstrap_servers": asked.bootstrap_servers or "localhost:9092",
        }
        if asked.config is not None and (asked.topic or asked.bootstrap_servers):
            told = "--config describes the streams: leave out --topic and --bootstrap-servers"
            raise click.UsageError(told)
        dg.scaffold_component(request, inline if asked.config is None else {"config": asked.config})
