"""Groups: what pairs connect, whatever their order, against a plain flood."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from indexer.duplicates.groups import NearCounts, components, joined_groups, near_counts

PAIRS = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25)), max_size=30)
FILMS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.none() | st.integers(0, 6)), max_size=25)


def flooded(pairs: list[tuple[int, int]]) -> dict[int, int]:
    """Every member to the least that it can be reached from, one step after another."""
    beside: dict[int, set[int]] = defaultdict(set)
    for one, two in pairs:
        beside[one] |= {one, two}
        beside[two] |= {one, two}
    reached = {}
    for start in beside:
        seen, edge = {start}, [start]
        while edge:
            new = beside[edge.pop()] - seen
            seen |= new
            edge += new
        reached[start] = min(seen)
    return reached


@given(PAIRS)
def test_components_are_what_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    assert components(pairs) == flooded(pairs)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_pairs_and_of_their_ends_is_nothing(pairs: list[tuple[int, int]], rng: object) -> None:
    mixed = [pair[::-1] for pair in pairs]
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    assert components(mixed) == components(pairs)


@given(FILMS)
def test_joined_groups_keep_together_all_that_is_connected(films: list[tuple[str, int | None]]) -> None:
    split, near = [group for group, _ in films], [number for _, number in films]
    joined = joined_groups(split, near).tolist()
    for one, (group, number) in zip(joined, films, strict=True):
        for other, (its_group, its_number) in zip(joined, films, strict=True):
            if group == its_group or (number is not None and number == its_number):
                assert one == other
    assert set(joined) <= set(split)
    # and nothing else: as many groups as a graph of groups and numbers has parts
    names = {**{g: i for i, g in enumerate("abcdefgh")}, **{n: 10 + n for n in range(7)}}
    edges = [(names[g], names[n] if n is not None else names[g]) for g, n in films]
    assert len(set(joined)) == len(set(flooded(edges).values()))


def test_joined_groups_take_the_first_name_and_leave_others_alone() -> None:
    assert joined_groups(["c", "b", "a", "d", "b"], [None, 4, 9, 4, 9]).tolist() == ["c", "a", "a", "a", "a"]
    assert joined_groups([], []).tolist() == []


def test_counts() -> None:
    assert near_counts({}, {1: "P"}) == NearCounts(0, 0, 0)
    groups, patients = {1: 1, 5: 1, 2: 2, 3: 2}, {1: "P", 2: "Q", 3: "Q", 4: "R", 5: "S"}
    assert near_counts(groups, patients) == NearCounts(films=4, groups=2, patients=3)
