"""The usual sizes of this set's cases: T steps, B batch, I inputs, C units."""

T, B, I, C = 6, 2, 3, 5  # noqa: E741
SIZES = ((1, 1, 1), (4, 2, 3), (1, 5, 2), (3, 3, 3))  # B, I, C
ANY_SIZE = "It must work for any batch and any number of steps, inputs and units."
