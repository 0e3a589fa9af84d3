"""`python -m tactful` is `tactful`."""

from tactful.app import main

main()
