"""The Spark session, its Java, and what Spark says about a run."""
