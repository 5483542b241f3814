"""Watch runs: what there are below the served folders, how each fares, and what is new while it trains."""
