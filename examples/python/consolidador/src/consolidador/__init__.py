"""A participant of the saga: answers whether the present stock is enough for a purchase, and what the purchase costs."""
