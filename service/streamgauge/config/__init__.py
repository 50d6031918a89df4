"""The configuration: one strict YAML file with environment variables laid over it.

`load` gives a `Config` or raises `ConfigError`, which tells everything that is wrong at once.
"""

from streamgauge.config.errors import ConfigError
from streamgauge.config.loading import load, of_values
from streamgauge.config.reference import markdown
from streamgauge.config.schema import json_schema
from streamgauge.config.settings import Config

__all__ = ["Config", "ConfigError", "json_schema", "load", "markdown", "of_values"]
