"""The columns of a line of JSON: those of Spark's own structured logging."""

SCHEMA = (
    "ts TIMESTAMP, level STRING, msg STRING, context MAP<STRING, STRING>, "
    "exception STRUCT<class: STRING, msg: STRING, "
    "stacktrace: ARRAY<STRUCT<class: STRING, method: STRING, file: STRING, line: STRING>>>, logger STRING"
)
"""For `spark.read.schema(SCHEMA).json(...)`; the same as `pyspark.logger.SPARK_LOG_SCHEMA`, and there without PySpark 4."""
