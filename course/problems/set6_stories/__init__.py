"""Set 6, stories, a small research report: what is tried of it, and what that is worth.

The report itself is graded by hand, by the rubrics in the source.
"""

from course.problems.set6_stories.comparing import few_seeds_p, same_questions
from course.problems.set6_stories.leaking import leaking
from course.problems.set6_stories.looking import facts_missed, pointed_at
from course.problems.set6_stories.rules import dull
from course.problems.set6_stories.running import run_table
from course.problems.set6_stories.sharing import by_story

PROBLEMS = (
    dull,
    leaking,
    by_story,
    same_questions,
    run_table,
    few_seeds_p,
    facts_missed,
    pointed_at,
)
