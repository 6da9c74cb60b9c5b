"""Changes a message before it is sent, as a moderator requested. Runs in scan workers only."""
