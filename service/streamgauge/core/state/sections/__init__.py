"""The sections of a state's text: what each holds, byte by byte."""
