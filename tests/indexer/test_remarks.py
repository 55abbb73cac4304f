"""What lies behind a sentence: told, stored and made a sentence again."""

import pytest

from engine.said import Said
from indexer.remarks import Remark, as_json, from_json, remark, remarks

CURE = Said("cure", "export it with {bits} bits", bits=16)
SENTENCES = [
    Said("odd", "it is odd"),
    Said.of("kn\u00e4e.dcm", Said("deep", "it has {bits} bits; {cure}", bits=12, cure=CURE)),
    Said.joined([CURE, Said("share", "{share:.1f} of it", share=0.25)]),
    Said.known("nobody has a word for it"),
]


@pytest.mark.parametrize("said", SENTENCES)
def test_it_is_the_same_sentence_again(said: Said) -> None:
    for again in (remark(said).said, from_json(as_json(said))):
        assert (again, again.code, again.values) == (said, said.code, said.values)
        assert [(part, part.code) for part in again.parts] == [(part, part.code) for part in said.parts]


def test_a_sentence_in_a_sentence_is_told_with_its_code() -> None:
    told = remark(SENTENCES[1])
    assert told.film == "kn\u00e4e.dcm" and told.values["bits"] == 12
    assert told.values["cure"] == Remark("export it with 16 bits", "cure", {"bits": 16})
    inner = from_json(as_json(SENTENCES[1])).values["cure"]
    assert isinstance(inner, Said) and inner.code == "cure"


def test_those_without_a_code_tell_nothing() -> None:
    assert remarks(SENTENCES[3], "plain", None) == ()
    assert [each.code for each in remarks(*SENTENCES)] == ["odd", "deep", ""]
