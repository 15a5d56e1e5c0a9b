"""Sources and sinks, one file a format."""
