"""One honest answer to marketing and sales.

The house has four rooms on one floor; imports point downwards only:

    detente.intake    exports -> canonical tables, and a log of every row that did not make it
    detente.metrics   tables  -> small result tables; pure, and blind to files and languages
    detente.present   results -> charts, HTML tables, findings, words; computes nothing
    detente.run       notebooks -> published reports; the only room that knows papermill

    floor 0: detente.schema (canonical tables), detente.audit (audit.yml), detente.engine (Ibis on DuckDB)
"""

__version__ = "0.1.0"
