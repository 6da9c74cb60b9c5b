"""Files of data frames and databases: columns with their names, values each on its own."""
