"""Texts of mail and pages in the readers' languages: catalogues, names with counts, times, places."""
