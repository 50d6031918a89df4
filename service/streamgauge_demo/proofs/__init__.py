"""The proofs: each holds something that was told against what the programs logged themselves."""
