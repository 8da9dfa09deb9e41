"""Whether what is stored as derived is what the stored facts give, and what the topics told."""
