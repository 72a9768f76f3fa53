"""Figures, as plotly makes them: interactive, and readable without a network connection."""
