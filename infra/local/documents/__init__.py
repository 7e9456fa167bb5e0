"""Runs what the pages for people say, and looks whether their links lead anywhere."""
