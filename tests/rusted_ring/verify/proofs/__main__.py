"""Runs the proofs as a module."""

import sys

from rusted_ring.verify.proofs.command import main, run

__all__ = ["main", "run"]

if __name__ == "__main__":
    sys.exit(main())
