"""The entry point: `python main.py`, `spark-submit main.py`, EMR Serverless."""

from flights.pipelines import job
from stoker import main

if __name__ == "__main__":
    main(job)
