"""The way in: Ctrl-C is answered as an error of ours even while the command line is still being imported.

So is SIGTERM, by which batch systems and ``timeout`` end a command: temporary files are removed, finished work is kept.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        from melanoma_edge.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        print("Error: stopped\nFix: run the same command again", file=sys.stderr)
        return 130
