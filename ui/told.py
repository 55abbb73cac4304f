"""What is known of the patient besides the films; asked only where the encoder compares it, never required."""

from dataclasses import dataclass

import streamlit as st

from api.schemas import ArchiveFacts
from ui.wording import sex as sex_word
from ui.wording import site_name
from ui.words import say

OLDEST = 130


@dataclass(frozen=True)
class Told:
    """age: years. sex: F or M. site: bones or joints joined by ';'. None where nobody said."""

    age: float | None = None
    sex: str | None = None
    site: str | None = None


def told(facts: ArchiveFacts) -> Told:
    """The fields on the screen; nothing is shown, and nothing told, for an encoder of pixels alone."""
    code = facts.model.get("facts")
    if not isinstance(code, dict):
        return Told()
    with st.expander(say("told.title")):
        left, right = st.columns(2, gap="small")
        age = left.number_input(
            say("told.age"), 0, OLDEST, None, key="told-age", placeholder=say("word.unknown"), persist_state="session"
        )
        sex = right.selectbox(
            say("told.sex"),
            ["F", "M"],
            None,
            key="told-sex",
            format_func=sex_word,
            placeholder=say("word.unknown"),
            persist_state="session",
        )
        sites = st.multiselect(
            say("told.site"),
            list(code["sites"]),
            key="told-site",
            format_func=site_name,
            placeholder=say("word.unknown"),
            persist_state="session",
        )
        st.caption(say("told.note"))
    return Told(None if age is None else float(age), sex, ";".join(sites) or None)
