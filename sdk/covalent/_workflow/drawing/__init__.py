"""A lattice as a picture.

graph --links--> the edges that say something --layout--> where each node is, and by which points each edge goes
--picture--> SVG --showing--> a notebook, or a file in the browser

layout and `layers`, which puts nodes into rows, know boxes and edges only.
"""
