"""Tables: rows as texts of a compact form of their own, in which every value is valid by an automaton.

A `TableSchema` says what each column holds. `RowForm` writes a row as a text of symbols and reads it back.
`RowGuide` is the automaton of such texts, for the columns that are still to be written.
"""
