"""The filter language: a text of conditions on columns becomes a tree of them.

    age between 5 and 20 and sex = 'F' and not (site in ('tibia', 'fibula') or taken is null)

Column on the left, literal on the right; keywords and column names in any case. Nothing else of the user's text gets
through: column names are those of the caller.
"""

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache, partial, reduce
from typing import Never

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from engine.errors import QueryError
from engine.said import Said
from indexer.conditions import Between, Comparison, Condition, Joint, Literal, Missing, Negation, Within

LONGEST = 2000
DEEPEST = 50
MOST_LITERALS = 200

_GRAMMAR = r"""
?disjunction: conjunction (_OR conjunction)*
?conjunction: negatable (_AND negatable)*
?negatable: NOT negatable -> negation
    | NAME COMPARISON _literal -> comparison
    | NAME BETWEEN _literal _AND _literal -> between
    | NAME _IN _list -> within
    | NAME NOT _IN _list -> without
    | NAME _IS _NULL -> missing
    | NAME _IS NOT _NULL -> present
    | LPAR disjunction ")" -> group
_list: "(" _literal ("," _literal)* ")"
_literal: NUMBER | STRING | TRUE | FALSE

_OR: "or"i
_AND: "and"i
NOT: "not"i
BETWEEN: "between"i
_IN: "in"i
_IS: "is"i
_NULL: "null"i
TRUE: "true"i
FALSE: "false"i
COMPARISON: "<=" | ">=" | "<>" | "=" | "<" | ">"
LPAR: "("
NAME: /[a-z_][a-z0-9_]*/i
NUMBER: /-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?(?![\w.])/i
STRING: /'[^']*(''[^']*)*'(?!')/
%ignore /[ \t\r\n]+/
"""

_EXPECTED: dict[str, str] = {
    "NAME": Said("a_column", "a column's name"),
    "NUMBER": Said("a_literal", "a literal (a number, 'text' or 'YYYY-MM-DD' in single quotes, true or false)"),
    "COMPARISON": Said("an_operator", "an operator (= <> < <= > >=, between, in, not in, is null, is not null)"),
    "NOT": "'not'",
    "LPAR": "'('",
    "_AND": "'and'",
    "_OR": "'or'",
    "_IN": "'in'",
    "_NULL": "'null'",
    "COMMA": "','",
    "RPAR": "')'",
    "$END": Said("the_end", "the end"),
}
_NO_SUMS = Said("no_sums", "write no sums")
_CURES = {
    "'": Said("close_quote", "close the text with a single quote, and double every quote inside it"),
    '"': Said("quote_text", "write column names bare and text in single quotes"),
    "!": Said("write_unequal", "write <> for unequal"),
    ";": Said("one_condition", "a filter is one condition; join several with and, or"),
    "-": Said("no_comments", "write comments and sums nowhere, a negative number as -5"),
    "*": _NO_SUMS,
    "+": Said("no_sign", "write no sums, and positive numbers without a sign"),
    "/": Said("no_sums_or_comments", "write no sums and no comments"),
} | dict.fromkeys("‘’‚‛“”„`´", Said("straight_quotes", "use straight single quotes"))


class FilterError(QueryError):
    """A filter that cannot be understood.

    text: the filter as given. position: 0-based index into it of the offending piece (0 where it is empty).
    message: the piece, its place counted from 1, and the cure; also the text of the error.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(message)
        self.message, self.text, self.position = message, text, position


class ColumnType(StrEnum):
    """What a column holds, and so which literals it may be compared with."""

    text = "text"
    number = "number"
    integer = "integer"
    date = "date"
    boolean = "boolean"


def parse_filter(text: str, columns: Mapping[str, ColumnType]) -> Condition:
    """The filter that `text` writes over `columns` (name to type), as a tree; columns as `columns` spells them.

    Names are matched in any case. Literals are str, float (a number), int, datetime.date or bool, as the column's type
    wants. NULL follows SQL: a condition on a missing value is unknown, and only films for which the whole is true pass.

    Raises:
        FilterError: anything outside the language, an unknown column, a literal of the wrong type, or a text over
            2000 characters, 50 nested parentheses and nots, or 200 literals.
    """
    _check_characters(text)
    return _Compiler(text, columns).condition(_parse(text), 0)


@cache
def _parser() -> Lark:
    """The parser; a basic lexer, since a contextual one would read `5 andsex` as `5 and sex`."""
    return Lark(_GRAMMAR, start="disjunction", parser="lalr", lexer="basic", g_regex_flags=re.ASCII)


def _parse(text: str) -> Tree[Token]:
    try:
        return _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None


def _check_characters(text: str) -> None:
    if not text.strip(" \t\r\n"):
        told = "the filter at character 1 is empty; leave the filter out to search every film"
        raise FilterError(Said("filter_empty", told), text, 0)
    if len(text) > LONGEST:
        told = "the filter has {characters} characters and runs past {most}"
        long = Said("filter_long", told, characters=len(text), most=LONGEST)
        _refuse(text, LONGEST, long, Said("shorten", "shorten it"))
    for position, character in enumerate(text):
        # Lone surrogates cannot be bound as UTF-8; controls are invisible in a message and in a log.
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\r\n":
            problem = Said("unprintable", "unprintable character {character}", character=f"U+{ord(character):04X}")
            _refuse(text, position, problem, Said("remove", "remove it"))


def _refuse(text: str, position: int, problem: Said, cure: Said) -> Never:
    raise _refusal(text, position, problem, cure)


def _refusal(text: str, position: int, problem: Said, cure: Said) -> FilterError:
    told = "{problem} at character {place}; {cure}"
    return FilterError(Said("filter_refused", told, problem=problem, place=position + 1, cure=cure), text, position)


def _explained(error: UnexpectedInput, text: str) -> FilterError:
    """The parser's refusal as one sentence for people."""
    if isinstance(error, UnexpectedCharacters):
        position = error.pos_in_stream or 0
        piece = text[position]
        cure = _CURES.get(piece) or Said("no_part", "that is no part of the filter language")
        if match := re.match(r"-?[0-9][\w.]*", text[position:]):
            piece = match[0]
            cure = Said("write_numbers", "write numbers like 5, -0.5 or 1e3, and a space after them")
        return _refusal(text, position, _unexpected(piece), cure)
    if not isinstance(error, UnexpectedToken):
        raise error
    # `accepts` is exact where `expected` also holds what merged states would take elsewhere.
    wanted = Said("expected", "expected {what}", what=_listed(error.accepts))
    token = error.token
    if token.type == "$END":
        position = len(text.rstrip(" \t\r\n")) - 1
        return _refusal(text, position, Said("filter_stops", "the filter stops too early"), wanted)
    hint = _hint(token, error.accepts)
    cure = wanted if hint is None else Said("with_hint", "{cure}; {hint}", cure=wanted, hint=hint)
    return _refusal(text, token.start_pos or 0, _unexpected(token), cure)


def _unexpected(piece: str) -> Said:
    return Said("unexpected", "unexpected {piece}", piece=_short(piece))


def _hint(token: Token, expected: set[str]) -> Said | None:
    """What the writer of a familiar mistake should write instead."""
    if token.type in ("NUMBER", "STRING", "TRUE", "FALSE") and "NAME" in expected:
        return Said("column_left", "put the column left of the operator and the literal right of it")
    if token.type == "_NULL" and "NUMBER" in expected:
        return Said("write_is_null", "write 'is null' or 'is not null' for missing values")
    if token.type == "NAME" and "NUMBER" in expected:
        return Said("literals_only", "put text in single quotes, and compare columns with literals only")
    if token.type == "BETWEEN" and "_IN" in expected:
        return Said("not_between", "write 'not (COLUMN between X and Y)'")
    return None


def _listed(expected: set[str]) -> str:
    spoken = expected - {"NOT", "_IN"} if "COMPARISON" in expected else expected
    # A ')' too many leaves the parser with a finished filter, of which it says that it accepts nothing.
    pieces = [said for name, said in _EXPECTED.items() if name in (spoken or {"_AND", "_OR", "$END"})]
    return reduce(lambda one, other: Said("either", "{one} or {other}", one=one, other=other), pieces)


def _short(piece: str) -> str:
    return repr(str(piece) if len(piece) <= 40 else f"{piece[:37]}...")


class _Compiler:
    """Turns the parser's tree into conditions, counting the literals and refusing what does not fit."""

    def __init__(self, text: str, columns: Mapping[str, ColumnType]) -> None:
        self._literals = 0
        self._refuse: Callable[[int, Said, Said], Never] = partial(_refuse, text)
        self._columns = columns
        self._by_lower = {name.lower(): name for name in columns}

    def condition(self, tree: Tree[Token], depth: int) -> Condition:
        """The condition of a tree that lies within `depth` parentheses and nots."""
        if tree.data in ("disjunction", "conjunction"):
            return Joint(tree.data == "disjunction", tuple(self.condition(part, depth) for part in _trees(tree)))
        if tree.data in ("group", "negation"):
            (inner,) = _trees(tree)
            self._check_depth(_tokens(tree)[0], depth)
            found = self.condition(inner, depth + 1)
            return found if tree.data == "group" else Negation(found)
        return self._leaf(str(tree.data), _tokens(tree))

    def _leaf(self, kind: str, tokens: list[Token]) -> Condition:
        name = self._column(tokens[0])
        if kind in ("missing", "present"):
            return Missing(name, kind == "present")
        if kind in ("within", "without"):
            literals = [token for token in tokens[1:] if token.type != "NOT"]
            return Within(name, tuple(self._bound(name, token) for token in literals), kind == "without")
        self._check_order(name, tokens[1])
        if kind == "between":
            return Between(name, self._bound(name, tokens[2]), self._bound(name, tokens[3]))
        return Comparison(name, str(tokens[1]), self._bound(name, tokens[2]))

    def _column(self, token: Token) -> str:
        name = str(token) if token in self._columns else self._by_lower.get(token.lower())
        if name is not None:
            return name
        close = difflib.get_close_matches(token.lower(), self._by_lower, n=1)
        cure = Said("columns_are", "the columns are {columns}", columns=", ".join(self._columns))
        if close:
            meant = Said("did_you_mean", "did you mean '{column}'?", column=self._by_lower[close[0]])
            cure = Said("with_hint", "{cure}; {hint}", cure=cure, hint=meant)
        return self._refuse(_start(token), Said("unknown_column", "unknown column {piece}", piece=_short(token)), cure)

    def _bound(self, name: str, token: Token) -> Literal:
        if self._literals == MOST_LITERALS:
            told = "literal {piece} is one more than {most}"
            problem = Said("literals_many", told, piece=_short(token), most=MOST_LITERALS)
            self._refuse(_start(token), problem, Said("use_fewer", "use fewer"))
        self._literals += 1
        return self._value(name, token)

    def _value(self, name: str, token: Token) -> Literal:
        """The literal as the Python value to bind, refused where the column holds another type."""
        kind = self._columns[name]
        if kind is ColumnType.text and token.type == "STRING":
            return _unquoted(token)
        if kind is ColumnType.boolean and token.type in ("TRUE", "FALSE"):
            return token.type == "TRUE"
        if kind is ColumnType.number and token.type == "NUMBER" and math.isfinite(float(token)):
            return float(token)
        if kind is ColumnType.integer and _is_bigint(token):
            return int(token)
        if kind is ColumnType.date and (day := _day(token)):
            return day
        told = "{piece} does not fit column '{column}' ({kind})"
        problem = Said("misfit", told, piece=_short(token), column=name, kind=kind.value)
        return self._refuse(_start(token), problem, _TYPE_CURES[kind])

    def _check_order(self, name: str, operator: Token) -> None:
        if self._columns[name] is ColumnType.boolean and operator not in ("=", "<>"):
            told = "{piece} does not fit column '{column}' (boolean), which has no order,"
            problem = Said("no_order", told, piece=_short(operator), column=name)
            self._refuse(_start(operator), problem, Said("use_equal", "use = or <>"))

    def _check_depth(self, token: Token, depth: int) -> None:
        if depth >= DEEPEST:
            told = "{piece} nests parentheses and nots deeper than {most}"
            problem = Said("nested_deep", told, piece=_short(token), most=DEEPEST)
            self._refuse(_start(token), problem, Said("write_flatter", "write it flatter"))


_TYPE_CURES = {
    ColumnType.text: Said("write_text", "write text in single quotes, like 'F'"),
    ColumnType.number: Said("write_number", "write a number without quotes, like 5 or -0.5, below 1.8e308"),
    ColumnType.integer: Said("write_whole", "write a whole number without quotes, below 9223372036854775808"),
    ColumnType.date: Said("write_day", "write a day of the calendar as '2019-12-31', in single quotes"),
    ColumnType.boolean: Said("write_truth", "write true or false, without quotes"),
}


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in tree.children if isinstance(child, Tree)]


def _tokens(tree: Tree[Token]) -> list[Token]:
    return [child for child in tree.children if isinstance(child, Token)]


def _start(token: Token) -> int:
    return token.start_pos or 0


def _unquoted(token: Token) -> str:
    return token[1:-1].replace("''", "'")


def _is_bigint(token: Token) -> bool:
    """Whether the literal is a whole number that DuckDB's BIGINT holds; 2.0 is not written as one."""
    return re.fullmatch(r"-?[0-9]+", token) is not None and -(2**63) <= int(token) < 2**63


def _day(token: Token) -> date | None:
    """The calendar day of a quoted 'YYYY-MM-DD', None for anything else (Python alone also reads 2019-W05)."""
    if not re.fullmatch(r"'[0-9]{4}-[0-9]{2}-[0-9]{2}'", token):
        return None
    try:
        return date.fromisoformat(_unquoted(token))
    except ValueError:
        return None
