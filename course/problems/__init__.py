"""What each problem set asks for, how it is tried and what it is worth: one module a notebook."""
