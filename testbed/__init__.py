"""A whole Holdgate site in one directory: a private Postfix, the three daemons, and a stand-in for the outside world.

The end-to-end tests, the demo and the benchmarks stand on it. Nothing of it is installed.
"""
