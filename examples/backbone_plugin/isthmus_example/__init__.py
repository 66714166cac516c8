"""A backbone for Isthmus in a package of its own."""
