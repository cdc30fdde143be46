"""The top of the house: settings, addresses, processes and the timetable."""
