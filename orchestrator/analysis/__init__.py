"""Raw files of one run become measures: join, measure, check for consistency. No backend."""
