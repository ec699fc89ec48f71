import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_edge.report.samples import Predictions, choose_samples, find_mistakes

CLASSES = ("MEL", "NV", "BCC")


def predictions(labels: list[int], probabilities: list[list[float]]) -> Predictions:
    pixels = np.arange(len(labels), dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    ids = [f"image-{index}" for index in range(len(labels))]
    return Predictions(ids, np.array(labels), np.array(probabilities), pixels, (0,))


TOY = predictions(
    [0, 0, 1, 1, 2, 0],
    [
        [0.10, 0.85, 0.05],  # 0: missed target
        [0.90, 0.05, 0.05],  # 1: right
        [0.60, 0.30, 0.10],  # 2: wrong class
        [0.25, 0.70, 0.05],  # 3: right class although above the threshold
        [0.15, 0.80, 0.05],  # 4: wrong class, more confident
        [0.02, 0.49, 0.49],  # 5: missed target with the lowest score
    ],
)


def test_missed_targets_come_first_then_wrong_classes_by_confidence() -> None:
    assert find_mistakes(TOY, 0.2) == [5, 0, 4, 2]


def test_a_target_predicted_as_itself_but_below_the_threshold_is_a_missed_one() -> None:
    only = predictions([0], [[0.6, 0.3, 0.1]])
    assert find_mistakes(only, 0.7) == [0]
    (picture,) = only.pictures([0], CLASSES, 0.7)
    assert picture.missed and picture.wrong and picture.predicted == picture.label


def test_a_score_at_the_threshold_is_not_missed() -> None:
    assert find_mistakes(predictions([0], [[0.5, 0.25, 0.25]]), 0.5) == []


def test_the_target_score_is_the_sum_of_the_target_columns() -> None:
    both = Predictions(TOY.ids, TOY.labels, TOY.probabilities, TOY.pixels, (0, 2))
    np.testing.assert_allclose(both.scores()[:2], [0.15, 0.95])
    assert (both.missed(0.21) == [True, False, False, False, True, False]).all()


def test_pictures_carry_what_belongs_to_the_chosen_images_in_the_order_asked() -> None:
    first, second = TOY.pictures([4, 1], CLASSES, 0.2)
    assert (first.image_id, first.label, first.predicted, first.wrong) == ("image-4", "BCC", "NV", True)
    assert (first.probability, first.target_score, first.missed) == (0.80, 0.15, False)
    assert (second.image_id, second.label, second.predicted, second.wrong) == ("image-1", "MEL", "MEL", False)
    assert first.pixels.shape == (4, 4, 3) and first.pixels.max() == 4


@given(labels=st.lists(st.integers(0, 8), max_size=60), seed=st.integers(0, 2**32), count=st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_a_sample_has_every_class_where_it_can_and_no_image_twice(labels: list[int], seed: int, count: int) -> None:
    toy = predictions(labels, [[1.0, 0.0, 0.0]] * len(labels))
    chosen = choose_samples(toy, seed, count)
    assert len(chosen) == len(set(chosen)) == min(count, len(labels))
    shown = [labels[index] for index in chosen]
    assert shown == sorted(shown)
    assert len(set(shown)) == min(len(set(labels)), count)


def test_the_sample_depends_on_the_seed_alone() -> None:
    many = predictions([index % 3 for index in range(300)], [[1.0, 0.0, 0.0]] * 300)
    assert choose_samples(many, 1, 24) == choose_samples(many, 1, 24)
    assert choose_samples(many, 1, 24) != choose_samples(many, 2, 24)
