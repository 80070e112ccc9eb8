"""What is shown of each clause and how: tested, explored, modelled, proved; and the trusted base."""
