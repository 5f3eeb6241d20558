"""Play: controls → scenario → the twin's prediction → pictures, figures and a sentence. No I/O."""
