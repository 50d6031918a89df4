"""What compose.yaml needs beside the images: configurations to mount, and health checks."""
