"""The checks: each one a small module that measures; policy, standing and evaluation are shared."""
