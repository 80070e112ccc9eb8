"""`python -m rusted_ring.verify.defects`: try the seeded defects."""

import sys

from rusted_ring.verify.defects.command import main

if __name__ == "__main__":
    sys.exit(main())
