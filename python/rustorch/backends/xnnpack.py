"""XNNPACK is not used here."""

enabled = False
