"""Telling Dagster: observations of streams and dead letter topics, and evaluations of checks."""
