"""Mail of programs: which accounts they have, what each has sent before, and how much of what is new it may send."""
