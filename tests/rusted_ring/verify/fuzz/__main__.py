"""`python -m rusted_ring.verify.fuzz`: the fuzzer of the whole API."""

import sys

from rusted_ring.verify.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
