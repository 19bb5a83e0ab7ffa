"""Set 3, memory and NTM addressing: what is asked, how it is tried, what it is worth."""

from course.problems.set3_addressing.content import recency, shared_key
from course.problems.set3_addressing.copying import copying
from course.problems.set3_addressing.moving import bounded, five
from course.problems.set3_addressing.sharpening import sharpened
from course.problems.set3_addressing.whole import whole
from course.problems.set3_addressing.writing import locked

PROBLEMS = (shared_key, recency, five, bounded, sharpened, locked, whole, copying)
