"""`python -m rusted_ring.verify.model_checking`: explore one client of the core."""

import sys

from rusted_ring.verify.model_checking.command import main

if __name__ == "__main__":
    sys.exit(main())
