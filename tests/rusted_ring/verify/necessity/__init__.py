"""Which memory orders of the core are needed: each made weaker, and what goes wrong with it [ORDER-1]."""
