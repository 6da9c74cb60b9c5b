"""One format a file: each module has a `read(document, sink)` as `extract.reading` describes it."""
