"""The parts of a model and how they are joined."""
