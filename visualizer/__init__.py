"""Visualizer: a song in, a music video out.

The pipeline, one function an arrow:

    load_track -> Track -> analyze -> Analysis -> compose -> Score -> make_film -> song.mp4
                                 load_preset -> Preset -^
"""
