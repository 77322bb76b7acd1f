"""Reports: what a run says to people and to programs. `summary` computes, `page` words, the rest print."""
