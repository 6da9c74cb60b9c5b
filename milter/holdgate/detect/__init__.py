"""Text to matches: which personal data stands where, and how sure that is."""
