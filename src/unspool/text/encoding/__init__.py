"""A corpus in token ids: what is learnt from, what is held out, what is known of each record."""
