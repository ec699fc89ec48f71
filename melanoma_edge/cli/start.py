"""The way in: Ctrl-C is answered as an error of ours even while the command line is still being imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from melanoma_edge.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        print("Error: stopped\nFix: run the same command again", file=sys.stderr)
        return 130
