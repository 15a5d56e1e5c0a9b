"""Connections to PostgreSQL: from the configuration to a session, with TLS, IAM and failures that say what to do."""
