"""Age, sex and site of training films as the embedding may carry them (`engine.facts`)."""

from collections import Counter

from engine.embeddings import Vectors
from engine.facts import SITES, Facts, FactsCode
from engine.radiograph import Sex
from engine.training.films import TrainingSet
from engine.training.recipe import Recipe


def facts_of(films: TrainingSet) -> list[Facts]:
    """What is known of each film's patient."""
    return [
        Facts(film.age, None if film.sex is None else Sex(film.sex), tuple(site.casefold() for site in film.site))
        for film in films.films
    ]


def facts_code(films: TrainingSet, recipe: Recipe) -> FactsCode | None:
    """How a recipe's embedding carries facts, with the sites that these films name most; None = of pixels alone."""
    if recipe.facts is None:
        return None
    named = Counter(site for known in facts_of(films) for site in known.sites)
    sites = sorted(site for site, _ in sorted(named.items(), key=lambda one: (-one[1], one[0]))[:SITES])
    return FactsCode(tuple(sites), recipe.facts.age, recipe.facts.sex, recipe.facts.site)


def with_facts(vectors: Vectors, films: TrainingSet, code: FactsCode | None) -> Vectors:
    """Rows (n, d + the code's) of unit rows (n, d) and the films' facts (`FactsCode.join`); the same without a code."""
    return vectors if code is None else code.join(vectors, facts_of(films))
