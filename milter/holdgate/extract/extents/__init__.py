"""Where files end: for each format, the spans of its bytes that its structure accounts for.

A reader reads what the structure of its format leads to. What stands before, between and behind that is read by nobody:
programs open the file all the same. So a `Format` declares `claims`, and the driver hands on what no span covers, as a
document of its own. A function here raises struct.error, IndexError or ValueError for a file that is cut or damaged.
"""
