"""The tables of the papers, each made with one's own films by one command."""
