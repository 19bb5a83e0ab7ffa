"""Scripts for those who write or run the course; the library does not need them."""
