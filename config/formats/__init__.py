"""How times are written on staff pages: as logs write them."""
