"""What one visitor has open. It lives in Streamlit's session alone: films are never shared with another visitor."""

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum

import streamlit as st

from api.client import ApiProblem, ApiUnreachable, File
from api.schemas import ArchiveFacts, Explanation, PatientHistory, ProposedRegion, Remark, SearchAnswer, SimilarCase
from ui.board.state import Board
from ui.boxes import Box
from ui.question import Question
from ui.told import Told

_KEY = "caselink"
MOST_PICTURES = 300
TOP = ""


class Screen(StrEnum):
    """What the search page shows."""

    ask = "ask"
    answer = "answer"


class Place(StrEnum):
    """The pages, by the last part of their address."""

    search = "search"
    patient = "patient"
    compare = "compare"
    board = "board"
    feedback = "feedback"
    archive = "archive"
    evaluate = "evaluate"


@dataclass(frozen=True)
class QueryFilm:
    """A film of the visitor's own. key: sha256 of its bytes. rows, columns: of the full film, in pixels.

    spacing_mm: (row, column). What its header does not tell is None. remarks: codes of the warnings.
    """

    key: str
    name: str
    data: bytes
    rows: int
    columns: int
    side: str | None
    view: str | None
    warnings: tuple[str, ...]
    body_part: str | None = None
    taken: date | None = None
    spacing_mm: tuple[float, float] | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def file(self) -> File:
        """The film as it is sent."""
        return self.name, self.data


@dataclass(frozen=True)
class Asked:
    """A question on its way, and the answer that comes of it."""

    question: Question
    answer: Future[SearchAnswer]


@dataclass
class Session:
    """The state of the page.

    boxes: lesion box by film key. asked: the films that `answer` is about, and told: what was said beside them.
    opened: the case whose `history` is shown. compared: ranks of the cases to lay beside the query, the nearest where
    the list is empty; None = as the page has them. refusals: sentences on files that were not added. goto: the page to
    turn to, None to stay. scroll_to: where to move the view once: an element's id, `TOP`, or None to leave it. facts:
    of the archive, as last known; failure: why it could not be asked for them now. proposals: regions that the archive
    proposes, by film key; whole: films whose proposal was waved away. markers: the side that a visitor reads off a
    film, by film key. explained: explanations fetched so far, by what they are of. board: what is open there. came: the
    page from which a patient was opened where that is no answer. looked: number of the film beside the archive's map.
    said: similar or not similar, by sha256 of the visitor's film and number of the archived one; looked_up: films of
    which it was asked what was said before. first: what was asked without being told to, None where nothing is.
    question: the last that stood on the screen, None before there was one. trouble: what went wrong before the screen
    was drawn, told once.
    """

    screen: Screen = Screen.ask
    films: list[QueryFilm] = field(default_factory=list)
    current: str | None = None
    boxes: dict[str, Box] = field(default_factory=dict)
    markers: dict[str, str] = field(default_factory=dict)
    uploads: int = 0
    refusals: list[str] = field(default_factory=list)
    answer: SearchAnswer | None = None
    asked: tuple[QueryFilm, ...] = ()
    told: Told = field(default_factory=Told)
    history: PatientHistory | None = None
    opened: SimilarCase | None = None
    came: Place | None = None
    looked: int | None = None
    compared: list[int] | None = None
    goto: Place | None = None
    scroll_to: str | None = None
    facts: ArchiveFacts | None = None
    failure: ApiProblem | ApiUnreachable | None = None
    proposals: dict[str, ProposedRegion] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    explained: dict[tuple[object, ...], Explanation] = field(default_factory=dict)
    said: dict[tuple[str, int], str] = field(default_factory=dict)
    looked_up: set[str] = field(default_factory=set)
    first: Asked | None = None
    question: Question | None = None
    trouble: ApiProblem | ApiUnreachable | None = None
    pictures: OrderedDict[tuple[object, ...], bytes] = field(default_factory=OrderedDict)
    board: Board = field(default_factory=Board)

    @property
    def synthetic(self) -> bool:
        """Whether the archive holds generated films."""
        return self.facts is not None and self.facts.synthetic

    def film(self) -> QueryFilm | None:
        """The film that is being looked at; None where there is none."""
        return next((film for film in self.films if film.key == self.current), self.films[0] if self.films else None)

    def remove(self, key: str) -> None:
        """Forget a film, its box and its pictures; the last answer keeps what it was about."""
        self.films = [film for film in self.films if film.key != key]
        self.boxes.pop(key, None)
        self.whole.discard(key)
        self.markers.pop(key, None)
        self.current = None
        self.pictures = OrderedDict((name, kept) for name, kept in self.pictures.items() if key not in name)

    def start_over(self) -> None:
        """Forget every film, box, answer and picture; what is open on the board stays."""
        question, board = self.question, self.board
        clean = Session(uploads=self.uploads + 1, facts=self.facts, question=question, board=board, scroll_to=TOP)
        for each in fields(self):
            setattr(self, each.name, getattr(clean, each.name))

    def show(self, screen: Screen, at: str = TOP) -> None:
        """Turn to a screen of the search page, seen from its top or from the element with the id `at`."""
        self.screen, self.goto, self.scroll_to = screen, Place.search, at

    def go(self, place: Place) -> None:
        """Turn to a page at the script's next run, seen from its top."""
        self.goto, self.scroll_to = place, TOP

    def keep_picture(self, key: tuple[object, ...], picture: bytes) -> bytes:
        """Hold a picture for this visitor, the oldest ones going first."""
        self.pictures[key] = picture
        while len(self.pictures) > MOST_PICTURES:
            self.pictures.popitem(last=False)
        return picture


def session() -> Session:
    """The visitor's session, new at their first look."""
    found = st.session_state.setdefault(_KEY, Session())
    assert isinstance(found, Session)
    return found
