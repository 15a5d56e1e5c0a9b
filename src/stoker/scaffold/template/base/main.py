"""The entry point: `python main.py`, `spark-submit main.py`, EMR Serverless."""

from stoker import main

from project_name.pipelines import job

if __name__ == "__main__":
    main(job)
