"""`python -m rusted_ring.verify`: the command line of `rusted_ring.verify.cli`."""

import sys

from rusted_ring.verify.cli import main

if __name__ == "__main__":
    sys.exit(main())
