"""Programs in C, C++ and Rust that explore themselves: built with the engine, run, and their executions shown."""
