"""Set 5, global memory: what is asked, how it is tried, what it is worth."""

from course.problems.set5_global.finding import finding
from course.problems.set5_global.focusing import surprised
from course.problems.set5_global.reading import three_ways
from course.problems.set5_global.scoring import either_way, even, ring
from course.problems.set5_global.starting import starting
from course.problems.set5_global.writing import two_looks

PROBLEMS = (ring, even, either_way, surprised, three_ways, two_looks, starting, finding)
