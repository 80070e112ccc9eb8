"""The TLA+ models of `spec/tla`: TLC checks them, and the manifest pins what it finds."""
