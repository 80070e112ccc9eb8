"""Real events through rings and pools to several consumers, each of which rebuilds the document [RING-5]."""
