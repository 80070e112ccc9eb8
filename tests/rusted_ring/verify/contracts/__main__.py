"""`python -m rusted_ring.verify.contracts`: check the PEP 316 contracts by CrossHair."""

import sys

from rusted_ring.verify.contracts.command import main

if __name__ == "__main__":
    sys.exit(main())
