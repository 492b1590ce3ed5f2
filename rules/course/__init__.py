"""Courses: treatments taken by days. What was taken becomes intervals, what was planned becomes stretches."""
