"""The demo: real or embedded brokers, receivers and servers, as the tests use them too."""
