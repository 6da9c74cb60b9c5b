"""What script/bench measures, one module for each package or question."""
