"""`python -m rusted_ring.verify.necessity`: the necessity matrix."""

import sys

from rusted_ring.verify.necessity.command import main

if __name__ == "__main__":
    sys.exit(main())
