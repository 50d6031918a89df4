"""Telling streams to an OpenTelemetry collector; `sink.OtlpSink` is the way in."""
