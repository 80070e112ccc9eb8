"""Word steps: whether what the corpus does to each word of the core is a path of the model's actions."""
