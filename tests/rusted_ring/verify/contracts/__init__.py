"""The PEP 316 contracts of the reference and the vocabulary, put to CrossHair."""
