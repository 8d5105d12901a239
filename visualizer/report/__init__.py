"""What the finished film really shows and sounds, read from the file alone."""

from visualizer.report.model import Report, read_report
from visualizer.report.sync import Sync, sync_offsets

__all__ = ["Report", "Sync", "read_report", "sync_offsets"]
