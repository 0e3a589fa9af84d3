"""The one place where everything is put together; the only one that imports adapters and faces."""
