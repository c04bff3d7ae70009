"""Results -> charts, HTML, findings, words, in Russian and English. Nothing in this room computes a metric."""
