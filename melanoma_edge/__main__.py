"""Run the command line with ``python -m melanoma_edge``."""

import sys

from melanoma_edge.cli.main import main

sys.exit(main())
