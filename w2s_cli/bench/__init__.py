"""Pictures and tables to judge a result by."""
