"""What a table that takes another's place must have, what it would lose, and how it is made ready."""
