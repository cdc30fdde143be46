"""How many callbacks a second, against what PostgreSQL could do at best and against the obvious way to write it."""
