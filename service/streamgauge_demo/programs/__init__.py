"""The programs of the demo's stream: they know nothing of streamgauge and keep their own log."""
