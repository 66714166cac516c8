"""What Isthmus itself registers: one table of entries a kind, readable without importing torch."""
