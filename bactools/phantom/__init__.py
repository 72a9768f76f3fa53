"""Synthetic women whose mammograms are made, and of whom everything is known."""
