"""Guides, the documentation beside the API's reference: the Markdown of ``docs/`` as pages, and as it is."""
