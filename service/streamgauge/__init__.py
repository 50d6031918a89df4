"""Event age, lag and dead letters of Kafka streams, told to OTLP and Dagster."""

__version__ = "0.1.0"
