"""`python -m spojka` is the command line."""

from spojka.cli.main import main

if __name__ == "__main__":
    main()
