"""Directories of data files: staged, published in one step, recovered after a kill, read whole."""
