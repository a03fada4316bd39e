"""The only door to highdicom: outlines as DICOM SEG, measures as DICOM SR."""
