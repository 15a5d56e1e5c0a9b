"""One step of a job: extract, transform, load."""

from stoker.pipeline.pipeline import Pipeline, PipelineSource

__all__ = ["Pipeline", "PipelineSource"]
