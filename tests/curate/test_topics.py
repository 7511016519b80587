"""Topics: the taxonomy, and clusters of what it does not claim."""

import pytest
from curate.judged_rows import judged

from auditdm_hub.curate.embed import load_embedder
from auditdm_hub.curate.predicates import Phrases, write_rule
from auditdm_hub.curate.table import tabulate
from auditdm_hub.curate.topics import Capability, describe_topic, find_capability, find_topics, load_taxonomy


@pytest.mark.parametrize(
    ("question", "phrase"),
    [
        ("How many dots are on the die?", "reading dice"),
        ("how many people are in the room?", "counting people"),
        ("What number of stars do you see?", "counting"),
        ("what color is the tallest bar?", "finding the tallest bar"),
        ("what is the height of the red bar?", "reading bar heights"),
        ("what colour is the striped star?", "recognising colours"),
        ("Is the star solid, striped or hollow?", "recognising patterns"),
        ("what do the digits add up to?", "adding numbers"),
        ("which digit is larger?", "comparing digits"),
        ("do they have the same colour?", "judging whether colours are the same"),
        ("is the dog to the left or right of the cat?", "telling left from right"),
        ("what is to the left of the cat?", "identifying neighbours"),
        ("what is in the bottom left corner?", "finding what is in a corner"),
        ("which hour does the clock show?", "telling the time"),
        ("what does the sign say?", "reading text"),
        ("what is the man doing?", "recognising actions"),
        ("is there a dog?", "recognising animals"),
        ("is there a lamp?", "judging whether something is there"),
    ],
)
def test_questions_belong_to_the_most_specific_entry(question: str, phrase: str) -> None:
    taxonomy = load_taxonomy()
    index = find_capability(question, taxonomy)
    assert index is not None
    assert taxonomy[index].phrase == phrase


def test_the_taxonomy_is_sound() -> None:
    taxonomy = load_taxonomy()
    assert len(taxonomy) >= 50
    assert len({entry.phrase for entry in taxonomy}) == len(taxonomy)
    assert all(isinstance(cue, str) for entry in taxonomy for cue in entry.cues)
    assert find_capability("frobnicate the quux", taxonomy) is None


def test_what_no_entry_claims_is_clustered_and_described() -> None:
    questions = [f"frob the {thing}" for thing in ("cat", "dog", "hen")] * 10
    questions += [f"quux the {thing}" for thing in ("cat", "dog", "hen")] * 10
    table = tabulate(
        [judged(text, "a" if "frob" in text else "b", "x", image=str(i)) for i, text in enumerate(questions)]
    )
    topics = find_topics(table, load_embedder(), ())
    assert len(set(topics[:30])) == len(set(topics[30:])) == 1
    assert len(set(topics)) == 2
    rules = [describe_topic(table, topics == topic) for topic in (topics[0], topics[-1])]
    assert [write_rule((rule or (),)) for rule in rules] == ['question has any("frob")', 'question has any("quux")']
    twins = tabulate([judged("frob quux", "a", "x", image=str(index)) for index in range(9)])
    assert describe_topic(twins, twins.failed, Capability("quuxing", ("quux",))) == (
        Phrases("question", "has any", ("quux",)),
    )
    silent = tabulate([judged("what is it?", "a", "x", image=str(index)) for index in range(9)])
    assert describe_topic(silent, silent.failed) is None
