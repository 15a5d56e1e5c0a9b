"""PostgreSQL: connections, staged and published loads, and a server of our own for development."""
