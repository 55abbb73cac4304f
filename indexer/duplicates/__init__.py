"""Near-duplicate films: one exposure that is in an archive twice, altered or not.

`hashes` makes a film's perceptual hash, `lookalikes` proposes pairs by it (datasketch's LSH), `likeness` confirms them
on pixels, `groups` joins pairs to groups and groups to split groups, and `films` does all of it for films in memory.
`archive` keeps an archive's pairs up to date while it is indexed.
"""
