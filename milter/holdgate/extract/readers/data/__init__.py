"""Files of data frames and databases: columns with their names, each value separate."""
