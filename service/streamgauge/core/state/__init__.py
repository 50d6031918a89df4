"""The durable state of a partition, and the text that holds it in one commit's metadata.

`partition_state.py` says what is stored and `totals.py` makes it from totals and back. `codec.py`
makes it text and back: by way of bytes (`sections/table.py`), a frame around them (`frame.py`) and
characters (`text.py`). `limits.py` and `detail.py` say why the text always fits.
"""
