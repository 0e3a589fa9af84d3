"""`python -m tactful` is `tactful`."""

from tactful.app.application import main

main()
