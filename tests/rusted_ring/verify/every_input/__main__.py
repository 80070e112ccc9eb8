"""`python -m rusted_ring.verify.every_input`: check the harnesses by ESBMC."""

import sys

from rusted_ring.verify.every_input.command import main

if __name__ == "__main__":
    sys.exit(main())
