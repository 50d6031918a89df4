"""Real parts that the tests and the demo meet: brokers, a Dagster webserver, an OTLP receiver."""
