"""The dashboard: what a study found, for those who will not open a notebook."""
