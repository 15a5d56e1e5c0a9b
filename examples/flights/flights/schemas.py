"""The columns of the source files, as Spark's DDL. They are found by the header's names; what is not named is not read."""

FLIGHT = """
    year INT NOT NULL, month INT NOT NULL, day INT NOT NULL,
    dep_time INT, sched_dep_time INT NOT NULL, dep_delay INT, arr_time INT, sched_arr_time INT, arr_delay INT,
    carrier STRING NOT NULL, flight INT, tailnum STRING, origin STRING NOT NULL, dest STRING NOT NULL,
    air_time INT, distance INT
"""

# time_hour stays text here: the transformer reads its zone, so that no session's time zone comes in.
WEATHER = """
    origin STRING NOT NULL, year INT NOT NULL, month INT NOT NULL, day INT NOT NULL, hour INT NOT NULL,
    temp DOUBLE, dewp DOUBLE, humid DOUBLE, wind_dir INT, wind_speed DOUBLE, wind_gust DOUBLE,
    precip DOUBLE, pressure DOUBLE, visib DOUBLE, time_hour STRING NOT NULL
"""

PLANE = "tailnum STRING NOT NULL, manufacturer STRING, model STRING, seats INT"

AIRPORT = "faa STRING NOT NULL, name STRING"

AIRLINE = "carrier STRING NOT NULL, name STRING NOT NULL"
