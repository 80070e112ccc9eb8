"""Whether a history is one that the reference has: split by object, and an order looked for [SLOT-1]."""
