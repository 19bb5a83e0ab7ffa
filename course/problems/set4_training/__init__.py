"""Set 4, an NTM that trains: what is asked, how it is tried, what it is worth."""

from course.problems.set4_training.adam import adam
from course.problems.set4_training.clipping import clipping
from course.problems.set4_training.costing import cost
from course.problems.set4_training.curves import arrivals
from course.problems.set4_training.finding import finding
from course.problems.set4_training.placing import positions
from course.problems.set4_training.starting import starting
from course.problems.set4_training.walking import walking

PROBLEMS = (finding, walking, starting, cost, positions, clipping, adam, arrivals)
