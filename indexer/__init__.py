"""Vectors to answers: sources of films, the catalogue, indexes, search, votes and their evaluation."""
