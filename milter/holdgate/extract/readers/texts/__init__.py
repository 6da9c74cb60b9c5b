"""Documents that are text, and bytes of which only strings are read."""
