"""Decisions about held messages, their deadlines, and the notices about them."""
