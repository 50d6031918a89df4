"""The core: synchronous and pure, without I/O, clock, logging or configuration."""
