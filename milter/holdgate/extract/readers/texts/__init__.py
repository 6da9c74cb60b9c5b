"""Documents that are text, and data of which only strings are read."""
