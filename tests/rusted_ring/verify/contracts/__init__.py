"""CrossHair checks the PEP 316 contracts of the reference and the vocabulary."""
