"""Who may send what to whom: an ordered list of policies, read from a file, applied to envelope and inspection."""
