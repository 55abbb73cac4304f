"""The document's words in each language."""

from datetime import date

from api.words import LANGUAGES

_WORDS: dict[str, tuple[str, str]] = {
    "notice": (
        "Research use only. Not a diagnosis: the vote is what similar past patients had.",
        "Nur für die Forschung. Keine Diagnose: Gezählt wird, was ähnliche frühere Patienten hatten.",
    ),
    "synthetic": ("SYNTHETIC archive: no real patients", "SYNTHETISCHES Archiv: keine echten Patienten"),
    "board": ("Tumour board", "Tumorkonferenz"),
    "case": ("case {case}", "Fall {case}"),
    "page": ("page {page} of {pages}", "Seite {page} von {pages}"),
    "patient": ("Patient key", "Patientenschlüssel"),
    "day": ("Meeting", "Sitzung"),
    "made": ("Printed", "Gedruckt"),
    "made_by": ("by {who}", "von {who}"),
    "films": ("Films", "Aufnahmen"),
    "precedents": (
        "Similar past patients chosen by the board",
        "Von der Konferenz gewählte ähnliche frühere Patienten",
    ),
    "more": ("{n} more in the case", "{n} weitere im Fall"),
    "region": ("box: region compared", "Rahmen: verglichener Bereich"),
    "gone": ("no longer in the archive", "nicht mehr im Archiv"),
    "vote": ("What the similar past patients had", "Was die ähnlichen früheren Patienten hatten"),
    "entity": ("Entity", "Entität"),
    "patients": ("Patients", "Patienten"),
    "interval": ("Share, 95 % interval", "Anteil, 95-%-Intervall"),
    "calibrated": ("Calibrated share", "Kalibrierter Anteil"),
    "of": ("{n} of {all}", "{n} von {all}"),
    "voted": (
        "One patient, one vote: the {n} most similar past patients, asked on {at}. Intervals: Wilson.",
        "Ein Patient, eine Stimme: die {n} ähnlichsten früheren Patienten, gefragt am {at}. Intervalle: Wilson.",
    ),
    "film": ("Film {n}", "Aufnahme {n}"),
    "rests": ("The vote rests on film {which}.", "Die Stimmen beruhen auf Aufnahme {which}."),
    "together": (
        "The vote rests on all films of the case together: {which}.",
        "Die Stimmen beruhen auf allen Aufnahmen des Falls zusammen: {which}.",
    ),
    "fewer": (
        "The vote rests on film {which} of the case's {all} films; the others were kept by an earlier version or for "
        "another encoder.",
        "Die Stimmen beruhen auf Aufnahme {which} der {all} Aufnahmen des Falls; die übrigen stammen aus einer "
        "früheren Version oder von einem anderen Encoder.",
    ),
    "no_vote": ("The archive was not asked.", "Das Archiv wurde nicht gefragt."),
    "abstained": ("The vote names no entity: {reason}.", "Die Stimmen nennen keine Entität: {reason}."),
    "set": (
        "Prediction set, {coverage} % of patients like those it rests on: {entities}.",
        "Vorhersagemenge, {coverage} % der Patienten wie jene, auf denen sie beruht: {entities}.",
    ),
    "unlike": ("The films are unlike those of the archive.", "Die Aufnahmen ähneln denen des Archivs nicht."),
    "malignant": (
        "Nearest malignant past patient: {entity}, {patient}, similarity {similarity}.",
        "Nächster maligner früherer Patient: {entity}, {patient}, Ähnlichkeit {similarity}.",
    ),
    "caution": (
        "Does not exclude malignancy; refer by your local pathway.",
        "Schließt Malignität nicht aus; Überweisung nach örtlichem Pfad.",
    ),
    "notes": ("Notes of the board", "Protokoll der Konferenz"),
    "history": ("History", "Anamnese"),
    "diagnosis": ("Diagnosis", "Diagnose"),
    "question": ("Question", "Fragestellung"),
    "finding": ("Finding", "Befund"),
    "decision": ("Decision", "Beschluss"),
    "empty": ("(nothing written)", "(nichts eingetragen)"),
    "written": ("{who}, {at}", "{who}, {at}"),
    "cut": (
        "[shortened here; the whole text is in case {case}]",
        "[hier gekürzt; der ganze Text steht in Fall {case}]",
    ),
    "decided": ("Decided on {day}, noted by {who}.", "Beschlossen am {day}, eingetragen von {who}."),
    "undecided": ("Not yet noted as decided.", "Noch nicht als Beschluss eingetragen."),
    "card": ("How the similar patients were found", "Wie die ähnlichen Patienten gefunden wurden"),
    "archive": ("Archive", "Archiv"),
    "holds": (
        "{title}, version {version}, {films} films of {patients} patients",
        "{title}, Version {version}, {films} Aufnahmen von {patients} Patienten",
    ),
    "model": ("Encoder", "Encoder"),
    "numbers": ("{n} numbers a film", "{n} Zahlen je Aufnahme"),
    "trained": ("Learned from", "Gelernt an"),
    "licence": ("Licence", "Lizenz"),
    "fingerprint": ("Fingerprint", "Fingerabdruck"),
    "index": ("Index", "Index"),
    "filter": ("Filter", "Filter"),
    "side_L": ("L", "L"),
    "side_R": ("R", "R"),
    "side_B": ("L+R", "L+R"),
    "side_unknown": ("side ?", "Seite ?"),
    "undated": ("undated", "ohne Datum"),
    "done": ("Done", "Getan"),
    "outcome": ("Outcome", "Ausgang"),
    "untreated": ("No therapy or surgery on record", "Weder Therapie noch Operation verzeichnet"),
    "unknown": ("not known", "nicht bekannt"),
    "proof": ("proven by {proof}", "gesichert durch {proof}"),
    "proof_histology": ("histology", "Histologie"),
    "proof_tumour board": ("tumour board", "Tumorkonferenz"),
    "proof_follow-up": ("follow-up", "Verlauf"),
    "proof_reference label": ("label of the data set", "Angabe des Datensatzes"),
    "years": ("{age} years", "{age} Jahre"),
}
_PLACE = {language: place for place, language in enumerate(LANGUAGES)}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def word(language: str, key: str, **values: object) -> str:
    """A wording with its values set in. language: one of `LANGUAGES`."""
    return _WORDS[key][_PLACE[language]].format(**values)


def proof_of(language: str, proof: str | None) -> str:
    """How a lesion was proven, "" where that is unknown."""
    return _WORDS.get(f"proof_{proof}", ("", ""))[_PLACE[language]]


def spelt_day(language: str, day: date | None) -> str:
    """A day as it is written by hand: 30 Nov 2026, 30.11.2026; a word where it is unknown."""
    if day is None:
        return word(language, "undated")
    if language == "de":
        return f"{day.day:02}.{day.month:02}.{day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def capital(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def per_cent(language: str, share: float) -> str:
    """A share 0..1 as a whole number of per cent."""
    return f"{share * 100:.0f} %" if language == "de" else f"{share * 100:.0f}%"
