"""Voximplant: what it tells about our account there, and its management API."""
