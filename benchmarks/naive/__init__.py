"""What Ringfence is compared with: the obvious way to write it, and the way the well-known panels do it."""
