"""Envelope and findings in, verdict out."""
