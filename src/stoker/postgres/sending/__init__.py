"""From a frame, or files, to the staging table: what runs in Spark's tasks, and what the driver tells them."""
