"""Breast arterial calcification on mammograms, from a DICOM archive to burden and progression."""
