"""How we talk to PostgreSQL where a call is waiting: one deadline, few round trips, bounded retries."""
