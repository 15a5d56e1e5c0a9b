"""The revenue of each day, from orders and exchange rates."""
