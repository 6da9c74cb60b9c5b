"""Has Alembic run a step on the connection that `store.migrate` opened, in its transaction."""

from alembic import context

from holdgate.quarantine.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
