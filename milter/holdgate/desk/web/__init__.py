"""The web page and the JSON API: they show, ask `desk.moderation` to decide, and say what came of it."""
