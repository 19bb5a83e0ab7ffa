"""Set 2, LSTM and its limits: what is asked, how it is tried, what it is worth."""

from course.problems.set2_lstm.counting import counting
from course.problems.set2_lstm.gradients import jacobian
from course.problems.set2_lstm.holding import one_bit
from course.problems.set2_lstm.lists import longest
from course.problems.set2_lstm.minimal import minimal
from course.problems.set2_lstm.peephole import peeping
from course.problems.set2_lstm.reading import both_ways
from course.problems.set2_lstm.waiting import waiting

PROBLEMS = (peeping, minimal, waiting, both_ways, jacobian, one_bit, counting, longest)
