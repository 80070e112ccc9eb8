"""Which memory orders of the core are needed: each is weakened, and a client that then fails is searched [ORDER-1]."""
