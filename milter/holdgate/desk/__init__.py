"""Decisions about held messages, their deadlines, and the notices that tell people of them."""
