"""Tables of Spark's catalogue: rows staged in a folder of their own, published by telling the catalogue where they are."""
