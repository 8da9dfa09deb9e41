"""Mails: stored as they came, judged and read afterwards, shown to operators."""
