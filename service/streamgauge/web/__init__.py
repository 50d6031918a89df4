"""Probes and the live status of the gauge, over HTTP."""
