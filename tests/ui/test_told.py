"""What is known of the patient, as the page asks for it."""

from streamlit.testing.v1 import AppTest


def page(carries: bool) -> AppTest:
    """The fields alone, over an archive whose encoder carries facts or does not."""

    def script(carries: bool) -> None:
        from types import SimpleNamespace

        import streamlit as st

        from ui.told import told

        model = {"facts": {"sites": ["femur", "tibia"]} if carries else None}
        st.session_state["told"] = told(SimpleNamespace(model=model))  # type: ignore[arg-type]

    return AppTest.from_function(script, args=(carries,), default_timeout=30).run()


def test_nothing_is_asked_where_the_encoder_sees_pixels_alone() -> None:
    shown = page(False)
    assert not shown.expander
    assert vars(shown.session_state["told"]) == {"age": None, "sex": None, "site": None}


def test_nothing_need_be_said() -> None:
    shown = page(True)
    assert [each.label for each in (*shown.number_input, *shown.selectbox, *shown.multiselect)] == [
        "Age in years", "Sex", "Bone or joint",
    ]  # fmt: skip
    assert vars(shown.session_state["told"]) == {"age": None, "sex": None, "site": None}


def test_what_is_said_is_told() -> None:
    shown = page(True)
    shown.number_input[0].set_value(14)
    shown.selectbox[0].set_value("F")
    shown.multiselect[0].set_value(["tibia", "femur"]).run()
    assert not shown.exception
    assert vars(shown.session_state["told"]) == {"age": 14.0, "sex": "F", "site": "tibia;femur"}
