"""Names that our own expressions carry through Spark, so that plans and errors can be told apart from the user's."""

MALFORMED = "_stoker_malformed"
"""The column that Spark fills with the raw text of a record which does not fit."""

DROPPING = "stoker drops malformed"
"""Is in the text of the filter that drops malformed records."""

RECORD = "STOKER_MALFORMED_RECORD"
"""Stands before the JSON in the error of a malformed record."""

READING = "stoker_reads_postgres"
"""The name of the function whose tasks read PostgreSQL."""
