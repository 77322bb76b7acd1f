"""Why it came to that: the chain of causes of a loss, an event, a tier's payments, a holder's money."""
