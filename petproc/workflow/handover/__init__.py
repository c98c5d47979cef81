"""What one stage leaves for the next, as files: one `read_` and one `write_` per type, named as in the rules.

Reading what an earlier job refused raises that refusal again, with its code, reason and remedy: so it reaches every
table without any stage knowing of it.
"""
