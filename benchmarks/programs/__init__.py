"""Files as other programs write them, each with three numbers in it: none of them may be complete and unread.

The programs are no dependencies of Holdgate. `programs.txt` names the packages with their versions. In an environment
that has them, `python -m benchmarks.programs.make build/programs` writes the files. OpenSSL, GnuPG, Ghostscript and
poppler are used where the machine has them. What cannot be made is named.
"""
