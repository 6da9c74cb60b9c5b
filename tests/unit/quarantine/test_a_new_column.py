"""CONTRIBUTING describes a new column; a field without a column, or the reverse, fails here.

That the migrations build the schema is in test_store.py, that the API describes each field in test_api.py.
"""

from dataclasses import fields

import pytest
from sqlalchemy import Table

from holdgate.quarantine import schema
from holdgate.quarantine.incident import Incident, Request


@pytest.mark.parametrize(("kind", "table"), [(Incident, schema.incidents), (Request, schema.requests)])
def test_each_field_is_a_column_and_each_column_a_field(kind: type, table: Table) -> None:
    assert {one.name for one in fields(kind)} == set(table.c.keys())
