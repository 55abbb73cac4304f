"""Pixels to vectors: radiographs, regions, readers and encoders. Knows no database, index, HTTP or environment."""
