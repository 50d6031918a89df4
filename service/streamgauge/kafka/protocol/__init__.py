"""Requests that aiokafka does not know in the version the gauge needs.

Field names and types are those of https://kafka.apache.org/protocol.html. A request of one version
raises `UnknownRequestError` when it is sent to a broker without it; the others fall back to the
newest version that aiokafka and the broker share.
"""
