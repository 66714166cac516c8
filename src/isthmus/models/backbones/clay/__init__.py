"""Clay v1 and v1.5 (https://clay-foundation.github.io/model)."""
