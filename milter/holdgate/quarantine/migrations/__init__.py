"""The schema's ordered steps, applied by Alembic. A released step is never changed, only followed by another."""
