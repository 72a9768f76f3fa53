"""Reference answers: whether bactools gives the numbers that were published."""
