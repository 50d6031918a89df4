"""The shell towards Kafka: it connects, tails topics and asks for offsets; it writes no record."""
