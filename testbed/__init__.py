"""A complete Holdgate site in one directory: a private Postfix, the three daemons, and a simulated outside world.

The end-to-end tests, the demo and the benchmarks use it. It is not installed.
"""
