"""The grader: submitted code runs in a process of its own and is judged in another."""
