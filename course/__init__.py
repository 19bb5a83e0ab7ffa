"""The graded course: assignments with their solutions, hidden tests, answer bank and grader.

Nothing here is part of the wheel or of a student's release.
"""
