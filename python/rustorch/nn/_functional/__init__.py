"""The parts of `nn.functional`, by topic. What the core offers with torch's own signature is not repeated."""
