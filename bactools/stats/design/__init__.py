"""How many women a study needs."""
