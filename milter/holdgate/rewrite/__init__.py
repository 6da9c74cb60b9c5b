"""Changes a message before it is sent, as a moderator wants it. It runs in scan workers only."""
