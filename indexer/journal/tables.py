"""The journal's tables."""

CASCADE = "REFERENCES cases ON DELETE CASCADE"
TABLES: dict[str, str] = {
    "audit": (
        "entry INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, patient TEXT"
    ),
    "feedback": (
        "entry INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL, kind TEXT NOT NULL, "
        "query TEXT NOT NULL, film INTEGER, film_sha256 TEXT, patient TEXT, film_entity TEXT, entity TEXT, proof TEXT, "
        "note TEXT NOT NULL"
    ),
    "cases": (
        "board_case INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, day TEXT, position INTEGER NOT NULL, "
        "patient TEXT, revision INTEGER NOT NULL, made_at TEXT NOT NULL, made_by TEXT NOT NULL, "
        "changed_at TEXT NOT NULL, changed_by TEXT NOT NULL"
    ),
    "sections": (
        f"board_case INTEGER NOT NULL {CASCADE}, section TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL, "
        "at TEXT NOT NULL, who TEXT NOT NULL, PRIMARY KEY (board_case, section, revision)"
    ),
    "case_films": (
        f"film INTEGER PRIMARY KEY AUTOINCREMENT, board_case INTEGER NOT NULL {CASCADE}, sha256 TEXT NOT NULL, "
        "png BLOB NOT NULL, rows INTEGER NOT NULL, columns INTEGER NOT NULL, x0 INTEGER NOT NULL, y0 INTEGER NOT NULL, "
        "x1 INTEGER NOT NULL, y1 INTEGER NOT NULL, region_origin TEXT NOT NULL, side TEXT, view TEXT, body_part TEXT, "
        "taken TEXT, spacing_row REAL, spacing_column REAL, identity TEXT NOT NULL, at TEXT NOT NULL, "
        "who TEXT NOT NULL, UNIQUE (board_case, sha256)"
    ),
    "film_vectors": (
        "film INTEGER PRIMARY KEY REFERENCES case_films ON DELETE CASCADE, vector BLOB NOT NULL, model TEXT NOT NULL, "
        "patients TEXT NOT NULL, confidence REAL, warnings TEXT NOT NULL"
    ),
    "precedents": (
        f"board_case INTEGER NOT NULL {CASCADE}, film INTEGER NOT NULL, patient TEXT NOT NULL, at TEXT NOT NULL, "
        "who TEXT NOT NULL, PRIMARY KEY (board_case, film)"
    ),
    "answers": (
        f"board_case INTEGER PRIMARY KEY {CASCADE}, answer TEXT NOT NULL, films TEXT NOT NULL, at TEXT NOT NULL, "
        "who TEXT NOT NULL"
    ),
    "decisions": (
        f"board_case INTEGER PRIMARY KEY {CASCADE}, text TEXT NOT NULL, revision INTEGER NOT NULL, "
        "dated TEXT NOT NULL, at TEXT NOT NULL, who TEXT NOT NULL, version INTEGER"
    ),
    "drafts": (
        f"who TEXT NOT NULL, draft TEXT NOT NULL, board_case INTEGER NOT NULL {CASCADE}, section TEXT NOT NULL, "
        "text TEXT NOT NULL, revision INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (who, draft)"
    ),
}
"""Column definitions of each table.

`feedback.query` and `case_films.sha256` are the sha256 of a query film's bytes; `feedback.film_*` and
`feedback.patient` say what the archive held of the neighbour then. `sections` keeps every revision: the highest is the
text, the others are what stood there before. `case_films.png` is the picture without header. `film_vectors` has by what
a case's film is asked about again, see `FilmVector`; films that were added before there were such have none. `answers`
has the last vote over a case's films, as JSON. `decisions.version` is the archive's version that holds the decision as
an event, NULL while none does. `drafts` are texts that nobody saved yet.
"""
