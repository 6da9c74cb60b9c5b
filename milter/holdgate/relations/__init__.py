"""Who writes to whom: learned from mail that went out, and compared with mail that is about to."""
