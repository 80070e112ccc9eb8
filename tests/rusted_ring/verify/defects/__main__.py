"""`python -m rusted_ring.verify.defects`: the seeded defects tried."""

import sys

from rusted_ring.verify.defects.command import main

if __name__ == "__main__":
    sys.exit(main())
