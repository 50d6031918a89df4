"""The demo: a stream that falls ill and recovers, and the proofs that the gauge told it truly."""
