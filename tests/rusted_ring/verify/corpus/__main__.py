"""`python -m rusted_ring.verify.corpus`: regenerate the corpus of sequences."""

import sys

from rusted_ring.verify.corpus.command import main

if __name__ == "__main__":
    sys.exit(main())
