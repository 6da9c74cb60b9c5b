"""The words of mail and pages in the languages of their readers: catalogues, names with counts, times, places."""
