"""`python -m rusted_ring.verify.contracts`: the PEP 316 contracts put to CrossHair."""

import sys

from rusted_ring.verify.contracts.command import main

if __name__ == "__main__":
    sys.exit(main())
