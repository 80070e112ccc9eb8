"""The sequential parts of the C core for every input: shipped sources, small harnesses, the bounded checker ESBMC."""
