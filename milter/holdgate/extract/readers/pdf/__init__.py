"""PDF: pages, annotations, properties, attachments, and what only OCR can read."""
