"""Problems about which clients wait: generated, answered by the twin and by the machine."""
