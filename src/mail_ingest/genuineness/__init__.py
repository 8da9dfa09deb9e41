"""Is a mail the bank's? Evidence is gathered over DNS; the verdict is a pure function of it."""
