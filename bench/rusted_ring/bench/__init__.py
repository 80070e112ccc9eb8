"""How fast, beside others: the core, its peers in C, C++, Rust, Java and Python, and the machine's own limits.

`rusted-ring bench` measures them in rounds. `contract` says what a figure is called and who has to give which,
`harnesses` builds and runs what measures, `targets` says what is to be reached, `measured` forms ratios, `tables` and
`plots` write them down. In `c/`, `rust/` and `java/` are the sources of the other languages' harnesses.
"""
