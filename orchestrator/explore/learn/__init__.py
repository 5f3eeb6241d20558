"""Learn: the lessons of docs/lessons; guesses are graded before the answer is shown."""
