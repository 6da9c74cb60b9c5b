"""PDF: pages, annotations, properties, attachments, and content that only OCR can read."""
