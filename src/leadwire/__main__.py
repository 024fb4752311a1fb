"""`python -m leadwire` is the command `leadwire`."""

from leadwire.cli import main

if __name__ == "__main__":
    main()
