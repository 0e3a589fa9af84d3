"""The lake as Delta tables (https://github.com/delta-io/delta/blob/master/PROTOCOL.md), in a folder or on S3."""
