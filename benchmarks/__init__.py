"""What script/bench measures, one module a room."""
