"""Notebooks -> published reports. The only room that knows papermill, kernels and the file layout of a run.

cli        the commands and their exit codes
job        one run, from audit.yml to a published folder
request    what was asked for, and what a run that has begun works on
notebooks  which notebooks there are, and whether they can be run at all
jupyter    what the Jupyter tools must be told, and what they leave behind
execute    one notebook in one worker process: run it, prove that it is whole, make its page
page       an executed notebook as one page without code
stop       worker processes that never outlive the run; signals
lock       one run at a time per client
gate       no e-mail and no phone leaves in a page
publish    the finished folder becomes the newest report by one rename
manifest   what was run, on what, with which result
history    the last run that this one can be compared with
alerts     limits of audit.yml held against the findings
check      what intake made of the exports, as plain text
refresh    for developers: the committed notebooks, executed anew
"""

from __future__ import annotations

PUBLISHED, FAILED, WRONG, BAD_DATA, ALERT, LOCKED = range(6)  # exit codes, worded in `detente --help`

SUMMARY = "00_summary"  # the notebook that runs last and becomes the front page


class RunError(Exception):
    """A run that published nothing (exit code 1). `lines` holds one message per cause."""

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = lines
