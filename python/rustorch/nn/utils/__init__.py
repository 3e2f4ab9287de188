"""Gradient clipping, parametrizations and other helpers for modules."""
