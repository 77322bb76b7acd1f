"""Agents: who acts, and when. Each file is one kind; each agent sleeps until something concerns it."""
