"""Stoker."""
