"""One module a noun: how bactools answers the published cases."""
