"""Telling: from a judged run to text. Formatters are pure: data in, text out."""
