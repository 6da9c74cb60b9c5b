"""The schema's ordered steps, applied by Alembic; a released step is never changed, only followed."""
