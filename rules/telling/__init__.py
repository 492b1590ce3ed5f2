"""Answers as rows, questions and sentences."""
