"""`python -m w2s_cli`, for where scripts are not on the path."""

from w2s_cli.cli import main

if __name__ == "__main__":
    main()
