"""A backbone, a neck, a loss and a task for Isthmus in a package of their own."""
