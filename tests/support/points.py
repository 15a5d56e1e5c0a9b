"""The failpoints that a publish into a folder passes, by mode."""

UNDECIDED = ["files.stage.begin", "files.stage.written", "pipeline.all_staged", "files.publish.begin"]
DECIDED = [
    "files.publish.intent_written",
    "files.publish.moved",
    "files.publish.committed",
    "files.publish.latest_written",
    "files.publish.intent_removed",
    "files.publish.staging_removed",
]
POINTS = {
    "replace": [*UNDECIDED, *DECIDED, "files.publish.exchanged"],
    "append": [*UNDECIDED, *DECIDED, "files.publish.one_moved"],
    "replace_partitions": [*UNDECIDED, *DECIDED, "files.publish.one_moved", "files.publish.exchanged"],
}
