"""The web page and the JSON API: they show, have `desk.moderation` decide, and report the result."""
