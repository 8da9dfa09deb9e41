"""Bank mail: addresses, the SMTP door, proof that a mail is genuine, and what it says."""
