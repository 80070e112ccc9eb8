"""`python -m rusted_ring.verify.tla`: checks the TLA+ models."""

import sys

from rusted_ring.verify.tla.command import main

if __name__ == "__main__":
    sys.exit(main())
