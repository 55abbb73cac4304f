"""What is known of the patient besides the films; asked only where the encoder compares it, never required."""

from dataclasses import dataclass

import streamlit as st

from api.schemas import ArchiveFacts
from ui.wording import sex as sex_word

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
    with st.expander("About the patient (optional)"):
        left, right = st.columns(2, gap="small")
        age = left.number_input(
            "Age in years", 0, OLDEST, None, key="told-age", placeholder="not known", persist_state="session"
        )
        sex = right.selectbox(
            "Sex",
            ["F", "M"],
            None,
            key="told-sex",
            format_func=sex_word,
            placeholder="not known",
            persist_state="session",
        )
        sites = st.multiselect(
            "Bone or joint", list(code["sites"]), key="told-site", placeholder="not known", persist_state="session"
        )
        st.caption("Compared beside the films where past patients have them. A film's own header fills what is empty.")
    return Told(None if age is None else float(age), sex, ";".join(sites) or None)
