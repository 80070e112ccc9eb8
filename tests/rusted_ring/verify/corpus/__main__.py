"""`python -m rusted_ring.verify.corpus`: the corpus of sequences made anew."""

import sys

from rusted_ring.verify.corpus.command import main

if __name__ == "__main__":
    sys.exit(main())
