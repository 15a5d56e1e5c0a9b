"""Departures from New York in 2013."""
