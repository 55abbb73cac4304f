"""The page: films in, similar past patients side by side, their histories. Talks to the API alone, over HTTP."""
