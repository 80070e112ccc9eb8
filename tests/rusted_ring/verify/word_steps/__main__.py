"""`python -m rusted_ring.verify.word_steps`: compare the executions of the corpus with the model, word by word."""

import sys

from rusted_ring.verify.word_steps.command import main

if __name__ == "__main__":
    sys.exit(main())
