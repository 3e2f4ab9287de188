"""The parts of `nn.functional`, by topic. Functions the core offers with torch's own signature are not repeated here."""
