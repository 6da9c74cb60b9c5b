"""Who writes to whom: learned from sent mail, and compared with mail that is about to be sent."""
