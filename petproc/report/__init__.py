"""An analysis as one page, and whether a study is complete. Opens no image: overlays come as they were made."""

from petproc.report.complete import CompleteRow, completeness
from petproc.report.page import Content, render

__all__ = ["CompleteRow", "Content", "completeness", "render"]
