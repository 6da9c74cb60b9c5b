"""Worker processes that read messages, and what keeps a hostile message inside one of them."""
