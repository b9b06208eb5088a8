"""The durable log: the interface every store keeps, and the stores."""
