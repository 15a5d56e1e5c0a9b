"""What the modes do between the staged rows and the target: each is a list of statements in the publishing transaction.

One file a mode. `choice.py` says which there are; `statement.py` what a statement is; `plan.py` puts them in order.
"""
