"""`python -m streamgauge` is the command line."""

from streamgauge.cli import main

main(prog_name="streamgauge")
