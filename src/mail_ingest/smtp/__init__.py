"""The SMTP door: takes mails for known addresses, stores each before it says so."""
