"""Run the command line as ``python -m unspool``."""

from unspool._cli import main

if __name__ == "__main__":
    main()
