"""The columns of the source files, as Spark's DDL. Only what is named here is read."""

ORDER = "order_id INT NOT NULL, day DATE NOT NULL, customer STRING, amount DECIMAL(9,2), currency STRING NOT NULL"

RATE = "currency STRING NOT NULL, rate DECIMAL(9,4) NOT NULL"
