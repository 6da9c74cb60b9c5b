"""Mail of programs: their accounts, what each has sent before, and how much that is new it may send."""
