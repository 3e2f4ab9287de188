"""Settings of deterministic mode; results are deterministic anyway."""

fill_uninitialized_memory = True
