"""Files as other programs write them, each with three numbers: no file may be complete although a number was not read.

The programs are not dependencies of Holdgate. `programs.txt` lists the packages with their versions. In an environment
with them, `python -m benchmarks.programs.make build/programs` writes the files. OpenSSL, GnuPG, Ghostscript and
poppler are used if they are installed. Files that cannot be made are listed.
"""
