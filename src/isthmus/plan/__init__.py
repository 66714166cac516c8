"""The plan of a composition, made before it costs anything."""
