"""Dead letters: what a record of a dead letter topic says, and what many of them mean."""
