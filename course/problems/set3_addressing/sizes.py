"""The usual sizes of this set's cases: B batch, H heads, S slots, W width."""

B, H, S, W = 2, 3, 9, 4
SIZES = ((1, 1, 5, 1), (4, 2, 11, 3), (1, 5, 7, 6))
