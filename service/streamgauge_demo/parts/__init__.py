"""Real parts that the tests and the demo meet: brokers, Dagster, an OTLP receiver, a collector."""
