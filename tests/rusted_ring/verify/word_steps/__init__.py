"""Word steps: whether what each execution of the corpus does to a word of the core is a path of actions of the model."""
