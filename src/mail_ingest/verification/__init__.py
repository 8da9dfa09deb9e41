"""Mails as they came against what was made and told of them."""
