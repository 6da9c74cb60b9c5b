"""A complete Holdgate site in one directory: a private Postfix, the three daemons, and a simulated next hop.

The end-to-end tests, the demo and the benchmarks use it. It is not installed.
"""
