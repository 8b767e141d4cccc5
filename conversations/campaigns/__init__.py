"""One template to many people who agreed to be written to (policy clause 4c).

`segments` finds the people, `preparing` writes one row for each, `running` turns rows into messages about a second ahead
of the outbox, `flow` is what members do; the outbox (conversations.delivery) alone sends, answers first.
"""
