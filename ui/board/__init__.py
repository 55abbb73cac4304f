"""The board page: the agenda, cases with films, precedents and notes, and the document that leaves the room."""
