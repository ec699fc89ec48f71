"""Run the command line with ``python -m melanoma_edge``."""

import sys

from melanoma_edge.cli.start import main

sys.exit(main())
