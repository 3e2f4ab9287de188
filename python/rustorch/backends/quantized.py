"""Engines for quantised operations: there are none."""

engine = "none"
supported_engines = ["none"]
