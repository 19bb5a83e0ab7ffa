"""Set 1, recurrence and gradients: what is asked, how it is tried, what it is worth."""

from course.problems.set1_recurrence.clipping import clipped, on_the_way
from course.problems.set1_recurrence.cutting import truncated
from course.problems.set1_recurrence.holding import latch
from course.problems.set1_recurrence.measuring import fading, jacobian
from course.problems.set1_recurrence.reading import backwards, leaky

PROBLEMS = (leaky, backwards, jacobian, fading, truncated, clipped, on_the_way, latch)
