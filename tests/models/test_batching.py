import random

from auditdm_hub.models.batching import Key, chunks


def test_batches_depend_on_the_set_of_requests_only() -> None:
    keys: list[Key] = [(length, f"q{k}", f"i{k % 3}") for k, length in enumerate([5, 9, 5, 7, 9, 6, 5])]
    batches = [[keys[k] for k in batch] for batch in chunks(keys, 3)]
    assert sorted(key for batch in batches for key in batch) == sorted(keys)
    assert [[length for length, _, _ in batch] for batch in batches] == [[5, 5, 5], [6, 7, 9], [9]]
    shuffled = random.Random(0).sample(keys, len(keys))
    assert [[shuffled[k] for k in batch] for batch in chunks(shuffled, 3)] == batches


def test_nothing_to_batch() -> None:
    assert chunks([], 4) == []
