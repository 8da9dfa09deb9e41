"""What banks' mails say: templates that read them by position, and the values they give."""
