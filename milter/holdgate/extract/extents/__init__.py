"""The ends of files: for each format, the spans of bytes that its structure describes.

A reader follows the structure of its format. Data before, between and after that is not read, although programs open
the file. So a `Format` declares `claims`, and the driver reads the rest as separate documents. A function here raises
struct.error, IndexError or ValueError for a truncated or damaged file.
"""
