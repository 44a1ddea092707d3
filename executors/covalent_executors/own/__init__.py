"""Has an object of the user's own class run the electron; the runner unpickles it and asks it to."""
