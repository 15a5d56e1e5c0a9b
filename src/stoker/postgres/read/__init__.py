"""Reading PostgreSQL: by COPY from the tasks, under one snapshot that the driver holds.

snapshot   the driver's transaction, which locks what is read and exports its snapshot
relation   what is read: its columns, its size, whether it can be cut
columns    the type of each column in Spark, and how the server sends it
ranges     the parts that tasks read
task       what runs in a task
messages   the bytes of COPY, as rows
decode     rows to Arrow
frame      all of it together
"""
