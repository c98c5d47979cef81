"""The door to DICOM: the only part of petproc that imports pydicom.

World space turns from DICOM's LPS+ to RAS+ here; nothing behind the door knows tags by number or files by path.
"""
