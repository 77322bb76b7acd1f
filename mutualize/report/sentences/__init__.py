"""Every kind of event as one sentence, with exact figures."""
